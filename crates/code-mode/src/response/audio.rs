//! What a recording costs a model. An estimate: nothing is decoded but its first bytes.

use data_url::DataUrl;

/// What models are charged for a second of sound, about.
const TOKENS_PER_SECOND: f64 = 10.0;

/// The tokens of the recording in a `data:` URL: ten for each second, rounded up.
///
/// The seconds of a WAV file are in its header. Of other recordings they are guessed from their size,
/// at the usual bit rate of speech in their format; a URL that cannot be read counts by its length.
pub(super) fn tokens(audio_url: &str) -> usize {
    (seconds(audio_url) * TOKENS_PER_SECOND).ceil() as usize
}

fn seconds(audio_url: &str) -> f64 {
    let Ok(url) = DataUrl::process(audio_url) else {
        return audio_url.len() as f64 / usual_bytes_per_second("");
    };
    let mut recording = Recording::default();
    // What came before a mistake in the encoding is all there is.
    let _ = url.decode(|bytes| {
        recording.take(bytes);
        Ok::<_, std::convert::Infallible>(())
    });
    recording.wav_seconds().unwrap_or_else(|| {
        let usual = usual_bytes_per_second(&url.mime_type().subtype);
        recording.bytes as f64 / usual
    })
}

fn usual_bytes_per_second(subtype: &str) -> f64 {
    match subtype {
        // 16 bits, 16 kHz, one channel.
        "wav" | "wave" | "x-wav" | "vnd.wave" | "pcm" | "l16" => 32_000.0,
        "flac" | "x-flac" => 16_000.0,
        // 32 kbit/s.
        "ogg" | "opus" | "webm" => 4_000.0,
        // 64 kbit/s: MP3, AAC, and whatever else there is.
        _ => 8_000.0,
    }
}

/// The beginning of a decoded recording, and its size.
#[derive(Default)]
struct Recording {
    head: Vec<u8>,
    bytes: usize,
}

impl Recording {
    /// Where the sound begins in all WAV files but the strangest.
    const HEAD_BYTES: usize = 4096;

    fn take(&mut self, bytes: &[u8]) {
        let room = Self::HEAD_BYTES - self.head.len();
        self.head.extend(&bytes[..bytes.len().min(room)]);
        self.bytes += bytes.len();
    }

    /// The length that a WAV header tells; `None` if this is no WAV file.
    fn wav_seconds(&self) -> Option<f64> {
        if self.head.get(..4)? != b"RIFF" || self.head.get(8..12)? != b"WAVE" {
            return None;
        }
        let mut bytes_per_second = None;
        let mut at = 12;
        // Chunks: a name, a size, and that many bytes, padded to an even number.
        loop {
            let name = self.head.get(at..at + 4)?;
            let size = self.number_at(at + 4)? as usize;
            let content = at + 8;
            match name {
                b"fmt " => bytes_per_second = Some(self.number_at(content + 8)?),
                // Recorders that stream write a size of 0 or of 4 GiB: then it is the rest.
                b"data" => {
                    let rest = self.bytes - content;
                    let size = if size == 0 { rest } else { size.min(rest) };
                    let rate = bytes_per_second.filter(|rate| *rate > 0)?;
                    return Some(size as f64 / f64::from(rate));
                }
                _ => {}
            }
            at = content + size.next_multiple_of(2);
        }
    }

    fn number_at(&self, at: usize) -> Option<u32> {
        let bytes = self.head.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A percent-encoded WAV file of silence: its `data` chunk says `declared` bytes and has `bytes`.
    fn wav(bytes_per_second: u32, declared: u32, bytes: usize) -> String {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(8_000_u32.to_le_bytes());
        file.extend(bytes_per_second.to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend(declared.to_le_bytes());
        file.resize(file.len() + bytes, 0);
        let encoded: String = file.iter().map(|byte| format!("%{byte:02x}")).collect();
        format!("data:audio/wav,{encoded}")
    }

    #[test]
    fn a_wav_file_counts_ten_tokens_for_each_second_its_header_tells() {
        assert_eq!(tokens(&wav(16_000, 16_000, 16_000)), 10);
        assert_eq!(tokens(&wav(1_000, 16_000, 16_000)), 160);
        assert_eq!(tokens(&wav(16_000, 17, 17)), 1);
    }

    #[test]
    fn a_wav_file_that_was_streamed_counts_by_what_there_is() {
        assert_eq!(tokens(&wav(1_000, 0, 2_000)), 20);
        assert_eq!(tokens(&wav(1_000, u32::MAX, 2_000)), 20);
    }

    #[test]
    fn other_recordings_count_by_their_size_at_the_usual_bit_rate() {
        let base64 = "AAAA".repeat(16_000);
        assert_eq!(tokens(&format!("data:audio/mpeg;base64,{base64}")), 60);
        assert_eq!(tokens(&format!("data:audio/ogg;base64,{base64}")), 120);
        assert_eq!(tokens(&format!("DATA:audio/wav;base64,{base64}")), 15);
    }

    #[test]
    fn strange_recordings_count_something_and_never_fail() {
        for url in ["data:,", "data:", "", "data:audio/wav;base64,!"] {
            assert!(tokens(url) <= 1, "{url}");
        }
        // No rate, a rate of nothing, a chunk of 4 GiB.
        for head in [
            "RIFF\0\0\0\0WAVEdata\0\0\0\0",
            "RIFF\0\0\0\0WAVE",
            "RIFF",
            "RIFF\0\0\0\0WAVElong%ff%ff%ff%ff",
        ] {
            assert_eq!(tokens(&format!("data:audio/wav,{head}")), 1, "{head}");
        }
        assert_eq!(tokens(&wav(0, 100, 100)), 1);
    }
}
