import Collab
import Testing

@testable import CollabBackends

@Suite("Server-sent events")
struct ServerSentEventsTests {
    /// Parses a stream that arrives in the given pieces.
    private func parse(_ pieces: [[UInt8]], limit: Int = 1 << 20) throws -> (events: [Event], last: Event?) {
        var parser = ServerSentEvents(maximumLength: limit)
        var events: [ServerSentEvents.Event] = []
        for piece in pieces { try parser.consume(piece, into: &events) }
        return (events.map(Event.init), try parser.end().map(Event.init))
    }

    private func parse(_ text: String) throws -> [Event] {
        try parse([Array(text.utf8)]).events
    }

    @Test("A blank line dispatches the lines of data before it, joined by LF")
    func dispatch() throws {
        #expect(try parse("data: one\n\ndata: two\ndata:three\n\n") == [Event("one"), Event("two\nthree")])
    }

    @Test("Lines end with LF, CR or CRLF, in any mixture", arguments: ["\n", "\r", "\r\n"])
    func lineEndings(ending: String) throws {
        let text = ["event: greeting", "data: a", "data: b", "", "data: c", "", ""].joined(separator: ending)
        #expect(try parse(text) == [Event("a\nb", type: "greeting"), Event("c")])
    }

    @Test("Exactly one space after the colon is taken away")
    func spaces() throws {
        #expect(try parse("data:x\n\ndata:  x\n\ndata: x \n\n") == [Event("x"), Event(" x"), Event("x ")])
    }

    @Test("Comments, unknown fields and blank lines are no events")
    func comments() throws {
        #expect(try parse(": ping\n\n\n\nfoo: bar\n\nloneword\n\n:\n\ndata: x\n: inside\n\n") == [Event("x")])
    }

    @Test("A data field without a value is an empty event; one without any data field is none")
    func emptyData() throws {
        #expect(try parse("data\n\n") == [Event("")])
        #expect(try parse("data:\n\n") == [Event("")])
        #expect(try parse("data\ndata\n\n") == [Event("\n")])
        #expect(try parse("event: x\n\ndata: y\n\n") == [Event("y")])
    }

    @Test("The last identifier stays until another is set; one with NUL is ignored")
    func identifiers() throws {
        let events = try parse("id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n")
        #expect(events.map(\.id) == ["1", "1", "1", ""])
    }

    @Test("retry takes digits only")
    func retry() throws {
        var parser = ServerSentEvents()
        var events: [ServerSentEvents.Event] = []
        try parser.consume(Array("retry: 3000\nretry: 5x\nretry:\nretry: -1\n\n".utf8), into: &events)
        #expect(parser.reconnectionTime == 3000)
    }

    @Test("One byte order mark at the beginning is skipped, a second is not")
    func byteOrderMark() throws {
        #expect(try parse("\u{feff}data: x\n\n") == [Event("x")])
        #expect(try parse("\u{feff}\u{feff}data: x\n\ndata: y\n\n") == [Event("y")])
    }

    @Test("Bytes that are not UTF-8 become U+FFFD")
    func invalidText() throws {
        let (events, _) = try parse([Array("data: a".utf8) + [0xff] + Array("b\n\n".utf8)])
        #expect(events == [Event("a\u{fffd}b")])
    }

    @Test("An event without its blank line is not dispatched but can be asked for at the end")
    func unfinished() throws {
        let (events, last) = try parse([Array("data: a\n\ndata: b\ndata: c".utf8)])
        #expect(events == [Event("a")])
        #expect(last == Event("b\nc"))
    }

    @Test("A line or an event over the limit is an error, not a full memory")
    func limits() {
        let long = [UInt8](repeating: 0x61, count: 100)
        #expect(throws: CollabError.self) { _ = try parse([Array("data: ".utf8), long, long], limit: 150) }
        let lines = Array(repeating: Array("data: 0123456789\n".utf8), count: 20)
        let error = #expect(throws: CollabError.self) { _ = try parse(lines, limit: 150) }
        #expect(error?.code == .malformedResponse)
    }

    @Test(
        "However a stream is cut into pieces, the events are those of the standard's own algorithm",
        arguments: 0..<40
    )
    func anyCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let stream = randomStream(&random)
        let expected = referenceEvents(stream)
        for size in [1, 2, 3, 7, stream.count] {
            let pieces = stride(from: 0, to: stream.count, by: max(size, 1)).map {
                Array(stream[$0..<min($0 + max(size, 1), stream.count)])
            }
            #expect(try parse(pieces).events == expected, "pieces of \(size)")
        }
        for _ in 0..<8 {
            var pieces: [[UInt8]] = []
            var start = 0
            while start < stream.count {
                let end = min(stream.count, start + Int.random(in: 0...9, using: &random))
                pieces.append(Array(stream[start..<end]))
                start = end
            }
            #expect(try parse(pieces).events == expected)
        }
    }

    @Test("Every place to cut a stream in two gives the same events")
    func everyCut() throws {
        let text = "\u{feff}: hi\r\nid: 7\rdata: naïve 🙂\r\ndata: 東京\n\r\nevent: end\ndata: [DONE]\r\r"
        let stream = Array(text.utf8)
        let expected = [Event("naïve 🙂\n東京", id: "7"), Event("[DONE]", type: "end", id: "7")]
        for cut in 0...stream.count {
            #expect(
                try parse([Array(stream[..<cut]), Array(stream[cut...])]).events == expected,
                "cut at \(cut)"
            )
        }
    }
}

/// What the tests compare.
private struct Event: Hashable {
    var text: String
    var type: String
    var id: String

    init(_ text: String, type: String = "message", id: String = "") {
        self.text = text
        self.type = type
        self.id = id
    }

    init(_ event: ServerSentEvents.Event) {
        self.init(event.text, type: event.type, id: event.lastEventID)
    }
}

private func randomStream(_ random: inout SeededGenerator) -> [UInt8] {
    let words = [
        "\n", "\r", "\r\n", "\n\n", "\r\r", "\n", "data", "data: ", "data:", "event: x", "event", "id: 4",
        "id", "retry: 12", ":",
        ": ping", " ", "é", "🙂", "東", "\u{feff}", "\0", "x", "[DONE]",
    ]
    var stream: [UInt8] = []
    for _ in 0..<Int.random(in: 0..<120, using: &random) {
        if Int.random(in: 0..<30, using: &random) == 0 {
            stream.append(UInt8.random(in: 0...255, using: &random))
        } else {
            stream.append(contentsOf: words.randomElement(using: &random)!.utf8)
        }
    }
    return stream
}

/// The standard's algorithm, word by word, over the whole stream at once.
private func referenceEvents(_ stream: [UInt8]) -> [Event] {
    var scalars = Array(String(decoding: stream, as: UTF8.self).unicodeScalars)
    if scalars.first == "\u{feff}" { scalars.removeFirst() }
    var lines: [String.UnicodeScalarView] = []
    var line = String.UnicodeScalarView()
    var position = 0
    while position < scalars.count {
        switch scalars[position] {
        case "\r":
            if position + 1 < scalars.count, scalars[position + 1] == "\n" { position += 1 }
            lines.append(line)
            line = String.UnicodeScalarView()
        case "\n":
            lines.append(line)
            line = String.UnicodeScalarView()
        default:
            line.append(scalars[position])
        }
        position += 1
    }
    var events: [Event] = []
    var (data, type, id) = ("", "", "")
    for line in lines {
        if line.isEmpty {
            if !data.isEmpty {
                data.unicodeScalars.removeLast()
                events.append(Event(data, type: type.isEmpty ? "message" : type, id: id))
            }
            (data, type) = ("", "")
            continue
        }
        if line.first == ":" { continue }
        var (name, value) = (Substring(String(line)), Substring())
        if let colon = line.firstIndex(of: ":") {
            name = Substring(String(line[..<colon]))
            var rest = line[line.index(after: colon)...]
            if rest.first == " " { rest = rest.dropFirst() }
            value = Substring(String(rest))
        }
        switch Array(name.unicodeScalars) {
        case Array("data".unicodeScalars): data += value + "\n"
        case Array("event".unicodeScalars): type = String(value)
        case Array("id".unicodeScalars): if !value.unicodeScalars.contains("\0") { id = String(value) }
        default: break
        }
    }
    return events
}
