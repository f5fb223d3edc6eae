// Stands for the file in which the build packs the core: a file of its own, because it does not shrink any further, and beside
// it everything else would shrink less.
export const PACKED = '';
export const SIZE = 0;
