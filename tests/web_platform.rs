//! Subtests of web-platform-tests, translated: what a browser's streams and recorders must do, as far as it makes sense for
//! a library. Each module is one of its files, each test one subtest, under its own words. A camera there is a track that
//! the test feeds here; the event loop's next turn is the next time that events are taken.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use framereel::clock::Clock;
use framereel::frame::Size;
use framereel::recorder::{Event, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{MediaStream, TrackGenerator};
use support::studio::{Studio, lived};

/// `getUserMedia({ audio, video })`: a stream, and what feeds its tracks.
fn user_media(video: bool, audio: bool) -> Studio {
    match (video, audio) {
        (true, true) => Studio::both(),
        (true, false) => Studio::video(),
        _ => Studio::audio(),
    }
}

fn recorder(stream: &MediaStream, options: MediaRecorderOptions) -> MediaRecorder {
    MediaRecorder::new(stream, options).unwrap()
}

fn bitrates(recorder: &MediaRecorder) -> (u32, u32) {
    (recorder.audio_bits_per_second(), recorder.video_bits_per_second())
}

mod mediarecorder_bitrate {
    use super::*;

    const AUDIO: u32 = 100_000;
    const VIDEO: u32 = 1_000_000;
    const LOW_TOTAL: u32 = 500_000;
    const HIGH_TOTAL: u32 = 2_000_000;
    const EPSILON: u32 = 100_000;

    type Bits = Option<u32>;

    fn asked(all: Bits, audio: Bits, video: Bits) -> MediaRecorderOptions {
        let mut options = MediaRecorderOptions::default();
        options.bits_per_second = all;
        (options.audio_bits_per_second, options.video_bits_per_second) = (audio, video);
        options
    }

    fn made(video: bool, audio: bool, options: MediaRecorderOptions) -> (u32, u32) {
        bitrates(&recorder(&user_media(video, audio).stream, options))
    }

    fn close(found: u32, expected: u32) -> bool {
        found.abs_diff(expected) <= EPSILON
    }

    #[test]
    fn passing_no_bitrate_config_results_in_defaults() {
        let (audio, video) = made(true, true, asked(None, None, None));
        assert!(audio != 0 && video != 0);
    }

    #[test]
    fn passing_bits_per_second_0_results_in_targets_close_to_0() {
        let (audio, video) = made(true, true, asked(Some(0), None, None));
        assert!(audio != 0 && video != 0 && close(audio + video, 0), "{audio} {video}");
    }

    #[test]
    fn passing_only_audio_bits_per_second_0_results_in_0_for_audio_default_for_video() {
        let (audio, video) = made(true, true, asked(None, Some(0), None));
        assert!(audio == 0 && video != 0);
    }

    #[test]
    fn passing_only_video_bits_per_second_0_results_in_0_for_video_default_for_audio() {
        let (audio, video) = made(true, true, asked(None, None, Some(0)));
        assert!(audio != 0 && video == 0);
    }

    #[test]
    fn passing_bits_per_second_0_overrides_audio_video_specific_values() {
        let (audio, video) = made(true, true, asked(Some(0), Some(AUDIO), Some(VIDEO)));
        assert!(audio != 0 && video != 0 && close(audio + video, 0), "{audio} {video}");
    }

    #[test]
    fn passing_bits_per_second_overrides_audio_video_zero_values() {
        let (audio, video) = made(true, true, asked(Some(HIGH_TOTAL), Some(0), Some(0)));
        assert!(audio != 0 && video != 0 && close(audio + video, HIGH_TOTAL), "{audio} {video}");
    }

    #[test]
    fn passing_bits_per_second_sets_audio_video_bitrate_values() {
        let (audio, video) = made(true, true, asked(Some(HIGH_TOTAL), None, None));
        assert!(audio != 0 && video != 0 && close(audio + video, HIGH_TOTAL), "{audio} {video}");
    }

    #[test]
    fn passing_only_audio_bits_per_second_results_in_default_for_video() {
        let (audio, video) = made(true, true, asked(None, Some(AUDIO), None));
        assert!(audio == AUDIO && video != 0);
    }

    #[test]
    fn passing_only_video_bits_per_second_results_in_default_for_audio() {
        let (audio, video) = made(true, true, asked(None, None, Some(VIDEO)));
        assert!(audio != 0 && video == VIDEO);
    }

    #[test]
    fn passing_video_bits_per_second_for_audio_only_stream_still_results_in_something_for_video() {
        let (audio, video) = made(false, true, asked(None, None, Some(VIDEO)));
        assert!(audio != 0 && video == VIDEO);
    }

    #[test]
    fn passing_audio_bits_per_second_for_video_only_stream_still_results_in_something_for_audio() {
        let (audio, video) = made(true, false, asked(None, Some(AUDIO), None));
        assert!(audio == AUDIO && video != 0);
    }

    #[test]
    fn passing_bits_per_second_for_audio_only_stream_still_results_in_something_for_video() {
        let (audio, video) = made(false, true, asked(Some(HIGH_TOTAL), None, None));
        assert!(audio != 0 && video != 0);
    }

    #[test]
    fn passing_bits_per_second_for_video_only_stream_still_results_in_something_for_audio() {
        let (audio, video) = made(true, false, asked(Some(HIGH_TOTAL), None, None));
        assert!(audio != 0 && video != 0);
    }

    /// The bitrates before and after `start()`.
    fn started(video: bool, audio: bool, options: MediaRecorderOptions) -> [(u32, u32); 2] {
        let source = user_media(video, audio);
        let recorder = recorder(&source.stream, options);
        let before = bitrates(&recorder);
        recorder.start(None).unwrap();
        [before, bitrates(&recorder)]
    }

    #[test]
    fn selected_default_track_bitrates_are_not_changed_by_start() {
        let [before, after] = started(true, true, asked(None, None, None));
        assert_eq!(before, after);
    }

    #[test]
    fn passed_in_track_bitrates_are_not_changed_by_start() {
        let [before, after] = started(true, true, asked(None, Some(AUDIO), Some(VIDEO)));
        assert_eq!(before, after);
    }

    #[test]
    fn passing_bits_per_second_for_audio_video_stream_does_not_change_track_bitrates_in_start() {
        let [before, after] = started(true, true, asked(Some(HIGH_TOTAL), None, None));
        assert_eq!(before, after);
    }

    #[test]
    fn passing_bits_per_second_for_audio_stream_sets_video_track_bitrate_to_0_in_start() {
        let [before, (audio, video)] = started(false, true, asked(Some(LOW_TOTAL), None, None));
        assert!(close(audio, LOW_TOTAL) && video == 0, "{audio} {video}");
        assert!(audio != before.0 && video != before.1);
    }

    #[test]
    fn passing_bits_per_second_for_video_stream_sets_audio_track_bitrate_to_0_in_start() {
        let [before, (audio, video)] = started(true, false, asked(Some(HIGH_TOTAL), None, None));
        assert!(audio == 0 && close(video, HIGH_TOTAL), "{audio} {video}");
        assert!(audio != before.0 && video != before.1);
    }

    /// Ours: what no encoder can do becomes the nearest that it can, and is recorded.
    #[test]
    fn bitrates_outside_the_encoders_limits_are_clamped_and_recorded() {
        for bits in [0, 1, 5_000, u32::MAX] {
            for options in [asked(Some(bits), None, None), asked(None, Some(bits), Some(bits))] {
                let source = user_media(true, true);
                let recorder = recorder(&source.stream, options);
                recorder.start(None).unwrap();
                source.frames_with_sound(0..10);
                recorder.stop();
                let life = lived(&recorder);
                assert_eq!(life.names, ["start", "dataavailable", "stop"], "{bits}: {:?}", life.errors);
                assert_eq!(life.file().frames(), 10);
            }
        }
    }
}

mod mediarecorder_stop {
    use super::*;

    #[test]
    fn mediarecorder_will_not_fire_an_error_event_if_a_recorder_is_stopped_synchronously_after_a_track_is_removed() {
        let source = user_media(true, true);
        let recorder = recorder(&source.stream, MediaRecorderOptions::default());
        recorder.start(None).unwrap();
        assert!(matches!(recorder.events().next(), Some(Event::Start)));
        source.frames_with_sound(0..10);
        source.stream.remove_track(&source.stream.audio_tracks()[0]);
        recorder.stop();
        let life = lived(&recorder);
        assert_eq!(life.names, ["dataavailable", "stop"]);
        assert_eq!(life.file().frames(), 10);
    }

    #[test]
    fn mediarecorder_will_not_fire_an_error_event_if_a_recorder_is_stopped_synchronously_after_all_tracks_are_ended() {
        let source = user_media(true, true);
        let recorder = recorder(&source.stream, MediaRecorderOptions::default());
        recorder.start(None).unwrap();
        source.stream.tracks().iter().for_each(|track| track.stop());
        recorder.stop();
        assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
    }

    #[test]
    fn mediarecorder_will_fire_start_event_even_if_a_track_is_removed_synchronously() {
        let source = user_media(true, true);
        let recorder = recorder(&source.stream, MediaRecorderOptions::default());
        recorder.start(None).unwrap();
        source.stream.remove_track(&source.stream.audio_tracks()[0]);
        assert_eq!(lived(&recorder).names, ["start", "error", "dataavailable", "stop"]);
    }
}

mod mediarecorder_mimetype {
    use super::*;

    #[test]
    fn mediarecorder_mimetype_is_not_set_before_onstart() {
        for (video, audio) in [(true, false), (false, true), (true, true)] {
            let source = user_media(video, audio);
            let recorder = recorder(&source.stream, MediaRecorderOptions::default());
            recorder.start(None).unwrap();
            // The start has long been told; it was not taken.
            if video {
                source.frames(0..20);
            }
            if audio {
                source.sound(0..600);
            }
            source.wait_for(&recorder, if video { 10 } else { 0 });
            assert_eq!(recorder.mime_type(), "");
            assert!(matches!(recorder.events().next(), Some(Event::Start)));
            assert_ne!(recorder.mime_type(), "");
        }
    }
}

mod mediarecorder_requestdata {
    use super::*;

    /// Ours: `dataavailable` "is not empty", also right after the start.
    #[test]
    fn data_that_is_requested_when_the_start_is_told_has_the_file_s_header() {
        for (video, audio) in [(true, false), (false, true), (true, true)] {
            let source = user_media(video, audio);
            let recorder = recorder(&source.stream, MediaRecorderOptions::default());
            recorder.start(None).unwrap();
            assert!(matches!(recorder.events().next(), Some(Event::Start)));
            recorder.request_data().unwrap();
            let Some(Event::DataAvailable(first)) = recorder.events().next() else { panic!("no data") };
            let header = first.data.bytes().unwrap();
            assert_eq!(header[..4], [0x1a, 0x45, 0xdf, 0xa3], "EBML");
            if video {
                source.frames(0..20);
            }
            if audio {
                source.sound(0..600);
            }
            recorder.stop();
            let mut life = lived(&recorder);
            assert_eq!(life.names, ["dataavailable", "stop"]);
            life.blobs.insert(0, first);
            let file = life.file();
            assert_eq!(file.tracks().len(), usize::from(video) + usize::from(audio));
            if video {
                assert_eq!(file.frames(), 20);
            }
        }
    }
}

mod mediastream_clone {
    use framereel::stream::ReadyState::{Ended, Live};

    use super::*;

    #[test]
    fn tests_that_cloning_mediastream_objects_works_as_expected() {
        let source = user_media(true, true);
        let stream = &source.stream;
        let states =
            |stream: &MediaStream| (stream.audio_tracks()[0].ready_state(), stream.video_tracks()[0].ready_state());
        let ids = |stream: &MediaStream| stream.tracks().iter().map(|track| track.id().to_owned()).collect::<Vec<_>>();
        let differ = |one: &MediaStream, other: &MediaStream| {
            ids(one).iter().all(|id| !ids(other).contains(id)) && one.id() != other.id()
        };
        let clone1 = stream.clone();
        assert_eq!((clone1.audio_tracks().len(), clone1.video_tracks().len()), (1, 1));
        assert!(differ(stream, &clone1));
        stream.tracks().iter().for_each(|track| track.stop());
        assert!(!stream.is_active() && clone1.is_active());
        assert_eq!((states(stream), states(&clone1)), ((Ended, Ended), (Live, Live)));

        clone1.audio_tracks()[0].stop();
        assert!(clone1.is_active());
        assert_eq!(states(&clone1), (Ended, Live));
        let clone2 = clone1.clone();
        assert!(clone2.is_active());
        assert_eq!(states(&clone2), (Ended, Live));

        clone1.video_tracks()[0].stop();
        clone2.video_tracks()[0].stop();
        let clone3 = clone2.clone();
        assert!(!clone3.is_active());
        assert_eq!(states(&clone3), (Ended, Ended));
        assert!(differ(&clone1, &clone2) && differ(&clone2, &clone3) && differ(&clone1, &clone3));
    }

    #[test]
    fn tests_that_cloning_mediastreamtrack_objects_works_as_expected() {
        let source = user_media(true, true);
        let stream = &source.stream;
        let clones = stream.tracks().to_vec();
        assert!(clones.iter().zip(stream.tracks()).all(|(clone, track)| clone.id() != track.id()));
        stream.tracks().iter().for_each(|track| track.stop());
        assert!(!stream.is_active());
        assert!(clones.iter().all(|clone| clone.ready_state() == Live));
        clones.iter().for_each(|clone| stream.add_track(clone));
        assert!(stream.is_active());
        stream.tracks().iter().for_each(|track| track.stop());
        assert!(!stream.is_active());
        assert!(clones.iter().all(|clone| clone.ready_state() == Ended));
    }

    /// Ours: what a clone is recorded with goes on when the original is stopped or disabled.
    #[test]
    fn a_clone_is_recorded_on_its_own() {
        let source = user_media(true, false);
        let clone = source.stream.clone();
        let recorder = recorder(&clone, MediaRecorderOptions::default());
        recorder.start(None).unwrap();
        source.frames(0..10);
        source.stream.video_tracks()[0].set_enabled(false);
        source.frames(10..20);
        source.stream.video_tracks()[0].stop();
        source.frames(20..30);
        recorder.stop();
        let luma = lived(&recorder).file().luma();
        assert_eq!(luma.len(), 30);
        assert!(luma.iter().all(|luma| *luma > 100.0), "{luma:?}");
    }
}

mod mediastream_id {
    use super::*;

    #[test]
    fn tests_that_the_mediastream_objects_returned_have_different_ids_of_36_characters() {
        let (one, other) = (user_media(true, false).stream, user_media(false, true).stream);
        assert_eq!((one.id().len(), other.id().len()), (36, 36));
        assert_ne!(one.id(), other.id());
        assert_eq!(one.handle().id(), one.id());
    }
}

mod mediastreamtrack_id {
    use super::*;

    #[test]
    fn tests_that_distinct_tracks_have_distinct_ids() {
        let ids: Vec<_> = [user_media(true, true), user_media(true, true)]
            .iter()
            .flat_map(|source| source.stream.tracks())
            .map(|track| track.id().to_owned())
            .collect();
        assert!(ids.iter().all(|id| id.len() == 36));
        assert!((0..4).all(|one| (0..one).all(|other| ids[one] != ids[other])), "{ids:?}");
    }
}

mod mediastream_gettrackid {
    use super::*;

    #[test]
    fn tests_that_mediastream_get_track_by_id_works_as_expected() {
        let source = user_media(true, true);
        let track = source.stream.video_tracks().remove(0);
        assert_eq!(source.stream.get_track_by_id(track.id()).as_ref(), Some(&track));
        assert_eq!(source.stream.get_track_by_id(&format!("{}foo", track.id())), None);
        source.stream.remove_track(&track);
        assert_eq!(source.stream.get_track_by_id(track.id()), None);
    }
}

mod mediastream_add_audio_track {
    use super::*;

    #[test]
    fn tests_that_adding_a_track_to_a_mediastream_works_as_expected() {
        let (audio, video) = (user_media(false, true).stream, user_media(true, false).stream);
        let told = audio.events();
        assert_eq!(video.audio_tracks().len(), 0);
        video.add_track(&audio.audio_tracks()[0]);
        assert_eq!(video.audio_tracks().len(), 1);
        video.add_track(&audio.audio_tracks()[0]);
        assert_eq!(video.audio_tracks().len(), 1, "one that is there already is not added again");
        audio.add_track(&video.video_tracks()[0]);
        assert_eq!(audio.video_tracks().len(), 1);
        assert!(told.try_next().is_none(), "a program that adds a track itself is not told");
    }
}

mod mediastream_removetrack {
    use super::*;

    #[test]
    fn tests_that_a_removal_from_a_mediastream_works_as_expected() {
        let (stream, stream2) = (user_media(true, true).stream, user_media(false, true).stream);
        let told = [stream.events(), stream2.events()];
        stream.remove_track(&stream.video_tracks()[0]);
        assert_eq!(stream.tracks().len(), 1);
        stream.remove_track(&stream.audio_tracks()[0]);
        assert_eq!(stream.tracks().len(), 0);
        stream.remove_track(&stream2.tracks()[0]);
        assert!(told.iter().all(|told| told.try_next().is_none()), "a program that removes a track itself is not told");
    }
}

mod mediastream_finished_add {
    use super::*;

    #[test]
    fn tests_that_adding_a_track_to_an_inactive_mediastream_is_allowed() {
        let (audio, video) = (user_media(false, true), user_media(true, false));
        video.stream.video_tracks()[0].stop();
        assert!(!video.stream.is_active() && audio.stream.is_active());
        video.stream.add_track(&audio.stream.audio_tracks()[0]);
        video.stream.remove_track(&video.stream.video_tracks()[0]);
        assert!(video.stream.is_active());
    }
}

mod mediastreamtrack_getsettings {
    use framereel::canvas::Canvas;
    use framereel::gpu::Gpu;
    use framereel::stream::TrackSettings;
    use framereel::time::FrameRate;

    use super::*;

    #[test]
    fn width_height_aspect_ratio_and_frame_rate_are_reported_by_getsettings_for_video_tracks() {
        let gpu = Gpu::new().expect("an adapter: `make test` installs one");
        let size = Size::new(64, 48);
        for (clock, rate, expected) in [
            (Clock::real(), Some(30.0), Some(30.0)),
            (Clock::real(), Some(0.0), Some(0.0)),
            (Clock::real(), None, None),
            (Clock::stepped(FrameRate::whole(25)), None, Some(25.0)),
            (Clock::stepped(FrameRate::whole(25)), Some(5.0), Some(5.0)),
        ] {
            let mut canvas = Canvas::new(&gpu, size).unwrap().with_clock(clock);
            let track = canvas.capture_stream(rate).unwrap().tracks().remove(0);
            assert_eq!(track.settings(), TrackSettings::Video { size, frame_rate: expected });
            assert_eq!(track.settings().aspect_ratio(), Some(64.0 / 48.0));
            assert_eq!(track.label(), "canvas");
            canvas.resize(Size::new(90, 60)).unwrap();
            assert_eq!(track.settings().aspect_ratio(), Some(1.5));
        }
    }

    #[test]
    fn sample_rate_and_channel_count_are_reported_by_getsettings_for_audio_tracks() {
        let track = TrackGenerator::audio(44_100, 2, &Clock::real()).track().handle();
        assert_eq!(track.settings(), TrackSettings::Audio { rate: 44_100, channels: 2 });
        assert_eq!(track.settings().aspect_ratio(), None);
    }
}

/// mediacapture-streams §4.3.1 and §4.2: events of tracks and streams.
mod events {
    use std::time::Duration;

    use framereel::audio::AudioBuffer;
    use framereel::stream::{StreamEvent, TrackEvent};
    use framereel::time::Timestamp;

    use super::*;

    #[test]
    fn a_track_tells_that_it_is_muted_unmuted_and_ended_by_its_source() {
        let Studio { video, stream, .. } = user_media(true, false);
        let video = video.unwrap();
        let clone = stream.tracks()[0].clone();
        let listeners = [stream.tracks()[0].events(), stream.tracks()[0].events(), clone.events()];
        for muted in [true, true, false, true] {
            video.set_muted(muted);
        }
        drop(video);
        for listener in listeners {
            let told: Vec<_> = listener.collect();
            assert_eq!(told, [TrackEvent::Mute, TrackEvent::Unmute, TrackEvent::Mute, TrackEvent::Ended]);
        }
        assert_eq!(clone.events().count(), 0, "a track that has ended tells nothing more");
    }

    #[test]
    fn a_track_that_the_program_stops_tells_nothing_and_its_listeners_end() {
        let source = user_media(true, false);
        let track = source.stream.tracks().remove(0);
        let (listener, other) = (track.events(), track.clone());
        track.stop();
        assert_eq!(listener.count(), 0);
        assert!(other.events().next_within(Duration::ZERO.into()).is_none());
    }

    #[test]
    fn a_stream_tells_of_tracks_that_a_source_adds_and_removes() {
        let source = user_media(true, false);
        let listener = source.stream.events();
        let audio = TrackGenerator::audio(48_000, 1, &source.clock);
        audio.add_to(&source.stream);
        audio.add_to(&source.stream);
        assert!(matches!(listener.try_next(), Some(StreamEvent::AddTrack(track)) if track == *audio.track()));
        audio.remove_from(&source.stream);
        assert!(matches!(listener.try_next(), Some(StreamEvent::RemoveTrack(track)) if track == *audio.track()));
        assert!(listener.try_next().is_none());
        drop(source);
        assert_eq!(listener.count(), 0, "nobody holds the stream any more");
    }

    #[test]
    fn a_listener_waits_for_what_another_thread_does() {
        let Studio { video, stream, .. } = user_media(true, false);
        let listener = stream.tracks()[0].events();
        let thread = std::thread::spawn(move || {
            video.unwrap().set_muted(true);
        });
        assert_eq!(listener.collect::<Vec<_>>(), [TrackEvent::Mute, TrackEvent::Ended]);
        thread.join().unwrap();
    }

    #[test]
    fn tracks_of_different_clocks_are_refused_and_those_of_real_ones_agree() {
        let video = user_media(true, false);
        let audio = user_media(false, true);
        video.stream.add_track(&audio.stream.tracks()[0]);
        let refused = recorder(&video.stream, MediaRecorderOptions::default()).start(None).unwrap_err();
        assert_eq!(refused.kind().name(), "NotSupportedError");
        assert!(refused.to_string().contains("two clocks"), "{refused}");

        // Two real clocks, half a second apart: a flash and a tone of one moment. The times that go by are real ones.
        let early = Clock::real();
        std::thread::sleep(Duration::from_millis(500));
        let late = Clock::real();
        let (pictures, sound) =
            (TrackGenerator::video(Size::new(64, 64), &late), TrackGenerator::audio(48_000, 1, &early));
        let stream = MediaStream::new([pictures.track(), sound.track()]);
        let recorder = recorder(&stream, MediaRecorderOptions::default());
        recorder.start(None).unwrap();
        let frame = |luma, time| support::studio::frame_of(Size::new(64, 64), luma, time);
        pictures.write(frame(16, late.now())).unwrap();
        // The dark picture is seen for so long.
        std::thread::sleep(Duration::from_millis(300));
        let (flash, tone): (Timestamp, Timestamp) = (late.now(), early.now());
        pictures.write(frame(235, flash)).unwrap();
        let hum = (0..9600).map(|index| (index as f32 * 0.13).cos() * 0.8).collect();
        sound.write_audio(AudioBuffer::new(48_000, tone, vec![hum]).unwrap()).unwrap();
        // The tone lasts 200 ms from now on; what lies ahead of the clock at the stop is not recorded.
        std::thread::sleep(Duration::from_millis(200));
        recorder.stop();
        let file = lived(&recorder).file();
        let (times, luma) = (file.times("v:0"), file.luma());
        let flash = times[luma.iter().position(|luma| *luma > 150.0).expect("a flash")];
        let tone = file.samples().iter().position(|sample| sample.abs() > 0.4).expect("a tone") as f64 / 48e3;
        assert!((flash - tone).abs() < 0.01, "the flash at {flash} s, the tone at {tone} s");
    }
}
