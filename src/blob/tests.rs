use super::*;
use crate::ErrorKind;

fn blob(bytes: &str) -> Blob {
    Blob::new(bytes, "text/plain")
}

fn text(blob: &Blob) -> String {
    String::from_utf8(blob.bytes().unwrap()).unwrap()
}

#[test]
fn pieces_of_memory_and_files_are_one_blob_of_the_first_ones_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("middle");
    fs::write(&path, "0123456789").unwrap();
    let file = Blob::from_file(&path, "video/webm").unwrap();
    let joined = Blob::join([blob("start-"), file.slice(2..5), blob(""), blob("-end")]);
    assert_eq!((text(&joined).as_str(), joined.size(), joined.mime_type()), ("start-234-end", 13, "text/plain"));
    for (range, expected) in
        [(0..6, "start-"), (5..7, "-2"), (6..9, "234"), (8..100, "4-end"), (13..20, ""), (9..9, "")]
    {
        assert_eq!(text(&joined.slice(range.clone())), expected, "{range:?}");
    }
    assert_eq!(text(&joined.slice(3..12).slice(2..5)), "-23");
    // The file grows and goes: the blob is what it was.
    fs::write(&path, "0123456789 and more").unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(text(&file), "0123456789");
    assert_eq!(format!("{file:?}"), r#"Blob { size: 10, type: "video/webm" }"#);
    assert!(Blob::join([]).is_empty());
}

#[test]
fn a_type_with_characters_that_no_type_has_is_none() {
    assert_eq!(Blob::new("", "video/webm;codecs=av01.0.05M.08").mime_type(), "video/webm;codecs=av01.0.05M.08");
    assert_eq!(Blob::new("", "vidéo/webm").mime_type(), "");
    assert_eq!(Blob::new("", "a\nb").mime_type(), "");
}

#[test]
fn readers_seek_and_do_not_disturb_each_other() {
    let joined = Blob::join(["ab", "cd", "ef"].map(blob));
    let (mut one, mut two) = (joined.reader(), joined.reader());
    let mut bytes = [0; 3];
    assert_eq!(one.seek(SeekFrom::End(-3)).unwrap(), 3);
    one.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"def");
    two.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"abc");
    assert_eq!(one.seek(SeekFrom::Current(-4)).unwrap(), 2);
    one.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"cde");
    assert!(one.seek(SeekFrom::Current(-9)).is_err());
    assert_eq!(one.seek(SeekFrom::Start(90)).unwrap(), 90);
    assert_eq!(one.read(&mut bytes).unwrap(), 0);
}

#[test]
fn saving_replaces_a_file_whole_or_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webm");
    fs::write(&path, "old").unwrap();
    let file = Blob::from_file(&path, "").unwrap();
    // Over the very file that it is made of.
    Blob::join([blob("new and "), file.clone()]).save(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new and old");

    let short = folder.path().join("short");
    fs::write(&short, "0123456789").unwrap();
    let broken = Blob::from_file(&short, "").unwrap();
    OpenOptions::new().write(true).open(&short).unwrap().set_len(4).unwrap();
    let error = broken.save(&path).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotReadable);
    assert!(error.to_string().contains("its file is shorter than it was"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "new and old");

    let error = blob("x").save(folder.path()).unwrap_err();
    assert!(error.to_string().contains("expected a file name but found a directory"), "{error}");
    let error = blob("x").save(folder.path().join("none/a.webm")).unwrap_err();
    assert!(error.to_string().contains("create it first"), "{error}");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.webm", "short"]);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_stays() {
    use std::os::unix::fs::FileTypeExt;
    blob("x").save("/dev/null").unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn a_missing_file_and_a_directory_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Blob::from_file(path, "").unwrap_err().to_string();
    assert!(error(folder.path()).contains("expected a file but found a directory"));
    assert!(error(&folder.path().join("none")).contains("found nothing of that name"));
}

#[test]
fn what_is_no_film_does_not_become_seekable() {
    let error = blob("hello").into_seekable().unwrap_err();
    assert_eq!(error.to_string(), "expected a Matroska or WebM file but found `hell`");
}
