export type { CertificateSource, ServedCertificate } from './certificate-source.ts';
export { openCertificateFiles } from './open-certificate-files.ts';
export { openIncludedCertificate } from './open-included-certificate.ts';
