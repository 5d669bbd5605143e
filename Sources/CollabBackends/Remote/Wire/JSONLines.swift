package import Collab

/// Cuts a stream of bytes into lines that hold a JSON text each.
///
/// Lines end with LF or CRLF; empty lines and a byte order mark are skipped. It makes no difference how the bytes are
/// cut into pieces.
package struct JSONLines: Sendable {
    /// The most bytes that a line may have.
    package let maximumLength: Int
    private var line: [UInt8] = []

    /// Makes a parser at the beginning of a stream.
    package init(maximumLength: Int = 1 << 20) {
        self.maximumLength = maximumLength
    }

    /// Reads the next bytes and appends the lines that they complete.
    ///
    /// Throws ``CollabError/Code/malformedResponse`` if a line is longer than allowed.
    package mutating func consume(_ bytes: [UInt8], into lines: inout [[UInt8]]) throws(CollabError) {
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0a) {
            try append(bytes[start..<end])
            if let whole = finish() { lines.append(whole) }
            start = end + 1
        }
        try append(bytes[start...])
    }

    /// Ends the stream and returns the last line if it has no end of its own.
    package mutating func end() -> [UInt8]? { finish() }

    private mutating func append(_ part: ArraySlice<UInt8>) throws(CollabError) {
        guard line.count + part.count <= maximumLength else {
            throw CollabError(
                .malformedResponse,
                "a line of the stream is longer than \(maximumLength) bytes"
            )
        }
        line += part
    }

    private mutating func finish() -> [UInt8]? {
        var whole = line[...]
        line = []
        if whole.starts(with: [0xef, 0xbb, 0xbf]) { whole = whole.dropFirst(3) }
        while let last = whole.last, last == 0x0d || last == 0x20 || last == 0x09 { whole.removeLast() }
        return whole.isEmpty ? nil : Array(whole)
    }
}
