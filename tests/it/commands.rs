//! What each command does where all is well.

use crate::program::Program;
use crate::service::Service;

#[test]
fn a_range_is_loaded() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::small());
    insta::assert_snapshot!(service.program(folder.path(), &service.load_line()).run(), @"
    exit 0
    --- stdout
    load: complete in [s] s
      windows   2 read whole, 0 unreadable
      requests  2, 1.00 times the 2 that the rows fill
      pages     2, [size] of JSON, 106 records
      rows      106 new, 0 changed, 0 unchanged, 0 superseded; 0 not returned and kept
      rejects   0, 0 of them new
      days      2 written ([size]), 0 unchanged
      memory    [size] at its peak
    ");
}
