/// Takes secrets out of text: out of what a server says in an error, and out of answers before they are written down.
package struct Redactor: Sendable, CustomReflectable {
    private struct Secret: Sendable {
        var bytes: [UInt8]
        /// How much of its beginning must stand at the end of a text to be taken for a secret that was cut off.
        var leastBeginning: Int
    }

    private let secrets: [Secret]

    /// What is shorter would tear ordinary words apart and hides nothing.
    private static let leastBytes = 4

    private static let mark = Array("[redacted]".utf8)

    /// Makes a redactor of secrets, as they are and as JSON may have them.
    ///
    /// - Parameter isForAnswers: whether it is used on texts that are worth keeping as they are. Half of a secret, and
    ///   eight bytes at least, must then stand at the end of a text to be taken for one that was cut off.
    package init(_ secrets: [String], isForAnswers: Bool = false) {
        let forms = secrets.flatMap { secret in
            let quoted = secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return [secret, quoted, quoted.replacing("/", with: "\\/")]
        }
        self.secrets = Set(forms).map { Array($0.utf8) }.filter { $0.count >= Self.leastBytes }
            .sorted { $0.count > $1.count }
            .map { bytes in
                let least = isForAnswers ? max(8, (bytes.count + 1) / 2) : Self.leastBytes
                return Secret(bytes: bytes, leastBeginning: least)
            }
    }

    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    /// The text with every secret replaced, and the beginning of one too where the text was cut off within it.
    package func scrub(_ text: String) -> String {
        scrub(pieces: [Array(text.utf8)]).map { String(decoding: $0[0], as: UTF8.self) } ?? text
    }

    /// Pieces of one text with every secret replaced, wherever it is broken; `nil` if there is none.
    ///
    /// There are as many pieces as before. The mark stands in the one in which a secret begins.
    package func scrub(pieces: [[UInt8]]) -> [[UInt8]]? {
        let ranges = ranges(in: Array(pieces.joined()))
        if ranges.isEmpty { return nil }
        var (next, position) = (0, 0)
        return pieces.map { piece in
            var result: [UInt8] = []
            for byte in piece {
                if next < ranges.count, position == ranges[next].upperBound { next += 1 }
                if next < ranges.count, position >= ranges[next].lowerBound {
                    if position == ranges[next].lowerBound { result += Self.mark }
                } else {
                    result.append(byte)
                }
                position += 1
            }
            return result
        }
    }

    /// Whether a text holds a secret, or ends within one.
    package func finds(in text: String) -> Bool { !ranges(in: Array(text.utf8)).isEmpty }

    /// Where secrets stand, in order.
    private func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        guard let longest = secrets.first?.bytes.count else { return [] }
        var ranges: [Range<Int>] = []
        var position = 0
        while position < bytes.count {
            let rest = bytes[position...]
            if let secret = secrets.first(where: {
                $0.bytes[0] == bytes[position] && rest.starts(with: $0.bytes)
            }) {
                ranges.append(position..<(position + secret.bytes.count))
                position += secret.bytes.count
            } else {
                position += 1
            }
        }
        for start in max(ranges.last?.upperBound ?? 0, bytes.count - longest + 1)..<bytes.count {
            let rest = bytes[start...]
            if secrets.contains(where: { $0.leastBeginning <= rest.count && $0.bytes.starts(with: rest) }) {
                return ranges + [start..<bytes.count]
            }
        }
        return ranges
    }
}
