package import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Cuts a stream of bytes into server-sent events, exactly as the WHATWG HTML standard, §9.2.6, prescribes.
///
/// Lines end with LF, CR or CRLF; one byte order mark at the beginning is skipped; lines that begin with a colon are
/// comments; several `data` lines of one event are joined by LF; unknown fields are ignored. It makes no difference
/// how the bytes are cut into pieces, even inside a character or between CR and LF.
///
/// The standard puts no limit on a line or an event. This parser does, so that a server cannot fill the memory.
package struct ServerSentEvents: Sendable {
    /// One event.
    package struct Event: Hashable, Sendable {
        /// The event's type; `message` where the stream names none.
        package var type: String
        /// The bytes of the data lines, joined by LF; not yet decoded.
        package var data: [UInt8]
        /// The last identifier that the stream has set.
        package var lastEventID: String

        /// The data as text; bytes that are not UTF-8 become U+FFFD.
        package var text: String { String(decoding: data, as: UTF8.self) }
    }

    /// The most bytes that a line, or the data of an event, may have.
    package let maximumLength: Int
    /// How long the stream asks to wait before connecting again, in milliseconds.
    package private(set) var reconnectionTime: Int?

    // A line of which only the beginning has arrived.
    private var line: [UInt8] = []
    private var isAfterCarriageReturn = false
    private var byteOrderMarkBytesSeen: Int? = 0

    private var data: [UInt8] = []
    private var hasData = false
    private var type: [UInt8] = []
    private var lastEventID = ""

    /// Makes a parser at the beginning of a stream.
    package init(maximumLength: Int = 1 << 20) {
        self.maximumLength = maximumLength
    }

    /// Reads the next bytes and appends the events that they complete.
    ///
    /// Throws ``CollabError/Code/malformedResponse`` if a line or an event is longer than allowed.
    package mutating func consume(_ bytes: [UInt8], into events: inout [Event]) throws(CollabError) {
        var failure: CollabError?
        bytes.withUnsafeBufferPointer { buffer in
            do throws(CollabError) {
                try consume(buffer, into: &events)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Ends the stream and returns the event that lacks its final blank line, if there is one.
    ///
    /// The standard drops such an event; whoever knows that it is whole may use it.
    package mutating func end() throws(CollabError) -> Event? {
        var events: [Event] = []
        if byteOrderMarkBytesSeen != nil { flushByteOrderMark() }
        if !line.isEmpty {
            let last = line
            line = []
            try last.withLine { (bytes) throws(CollabError) in try interpret(bytes, into: &events) }
        }
        dispatch(into: &events)
        return events.first
    }

    // MARK: Lines

    private mutating func consume(
        _ bytes: UnsafeBufferPointer<UInt8>,
        into events: inout [Event]
    ) throws(CollabError) {
        var position = skipByteOrderMark(bytes)
        // Where the next CR is; streams without any are searched for it once a piece, not once a line.
        var nextReturn =
            position < bytes.count ? bytes.firstIndex(of: .carriageReturn, from: position) : bytes.count
        while position < bytes.count {
            if isAfterCarriageReturn {
                isAfterCarriageReturn = false
                if bytes[position] == .lineFeed {
                    position += 1
                    continue
                }
            }
            if nextReturn < position { nextReturn = bytes.firstIndex(of: .carriageReturn, from: position) }
            let end = bytes.firstIndex(of: .lineFeed, from: position, upTo: nextReturn)
            let piece = UnsafeBufferPointer(rebasing: bytes[position..<end])
            if line.count + piece.count > maximumLength { throw tooLong("line") }
            if end == bytes.count {
                line.append(contentsOf: piece)
                return
            }
            if line.isEmpty {
                try interpret(piece, into: &events)
            } else {
                line.append(contentsOf: piece)
                let whole = line
                line.removeAll(keepingCapacity: true)
                try whole.withLine { (bytes) throws(CollabError) in try interpret(bytes, into: &events) }
            }
            isAfterCarriageReturn = bytes[end] == .carriageReturn
            position = end + 1
        }
    }

    private mutating func skipByteOrderMark(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard var seen = byteOrderMarkBytesSeen else { return 0 }
        var position = 0
        while position < bytes.count {
            guard bytes[position] == [UInt8].byteOrderMark[seen] else {
                flushByteOrderMark()
                return position
            }
            seen += 1
            position += 1
            if seen == 3 {
                byteOrderMarkBytesSeen = nil
                return position
            }
        }
        byteOrderMarkBytesSeen = seen
        return position
    }

    // What looked like a byte order mark was the beginning of a line.
    private mutating func flushByteOrderMark() {
        line.append(contentsOf: [UInt8].byteOrderMark.prefix(byteOrderMarkBytesSeen ?? 0))
        byteOrderMarkBytesSeen = nil
    }

    // MARK: Fields

    private mutating func interpret(
        _ line: UnsafeBufferPointer<UInt8>,
        into events: inout [Event]
    ) throws(CollabError) {
        guard let first = line.first else { return dispatch(into: &events) }
        if first == .colon { return }
        let colon = line.firstIndex(of: .colon, from: 0)
        let name = UnsafeBufferPointer(rebasing: line[..<colon])
        var start = min(colon + 1, line.count)
        if start < line.count, line[start] == .space { start += 1 }
        let value = UnsafeBufferPointer(rebasing: line[start...])
        if name.spells("data") {
            if data.count + value.count + 1 > maximumLength { throw tooLong("event") }
            if hasData { data.append(.lineFeed) }
            data.append(contentsOf: value)
            hasData = true
        } else if name.spells("event") {
            type = Array(value)
        } else if name.spells("id") {
            if !value.contains(0) { lastEventID = String(decoding: value, as: UTF8.self) }
        } else if name.spells("retry"), !value.isEmpty, value.allSatisfy({ (0x30...0x39).contains($0) }) {
            reconnectionTime = Int(String(decoding: value, as: UTF8.self)) ?? reconnectionTime
        }
    }

    private mutating func dispatch(into events: inout [Event]) {
        if hasData {
            let name = type.isEmpty ? "message" : String(decoding: type, as: UTF8.self)
            events.append(Event(type: name, data: data, lastEventID: lastEventID))
            data.removeAll(keepingCapacity: true)
            hasData = false
        }
        type = []
    }

    private func tooLong(_ what: String) -> CollabError {
        CollabError(
            .malformedResponse,
            "The server sent \(what == "event" ? "an event" : "a line") of more than \(maximumLength) bytes; raise the "
                + "limit if that is what you expect."
        )
    }
}

extension UInt8 {
    fileprivate static let lineFeed: UInt8 = 0x0a
    fileprivate static let carriageReturn: UInt8 = 0x0d
    fileprivate static let colon: UInt8 = 0x3a
    fileprivate static let space: UInt8 = 0x20
}

extension [UInt8] {
    fileprivate static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    fileprivate func withLine(
        _ body: (UnsafeBufferPointer<UInt8>) throws(CollabError) -> Void
    ) throws(CollabError) {
        var failure: CollabError?
        withUnsafeBufferPointer { buffer in
            do throws(CollabError) { try body(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The first place of a byte within a range, or the range's end. `memchr`, since debug builds need it too.
    fileprivate func firstIndex(of byte: UInt8, from start: Int, upTo end: Int? = nil) -> Int {
        let end = end ?? count
        guard start < end, let base = baseAddress else { return end }
        guard let found = memchr(base + start, Int32(byte), end - start) else { return end }
        return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
    }

    fileprivate func spells(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount, let base = baseAddress else { return false }
        return memcmp(base, word.utf8Start, count) == 0
    }
}
