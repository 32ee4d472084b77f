console.log('bundle: nothing to build yet');
