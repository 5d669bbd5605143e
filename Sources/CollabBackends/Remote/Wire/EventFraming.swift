internal import Collab

/// Cuts a stream of bytes into events, in the way that a dialect frames them.
struct EventFraming {
    /// The ways there are.
    enum Kind: Hashable, Sendable {
        /// `text/event-stream`.
        case serverSentEvents
        /// A JSON text a line.
        case jsonLines

        /// The media types that a client of it accepts.
        var accepted: String {
            switch self {
            case .serverSentEvents: "text/event-stream, application/json"
            case .jsonLines: "application/x-ndjson, application/json"
            }
        }
    }

    /// An event: its type, if the framing has any, and its data.
    struct Event {
        var type: String
        var data: [UInt8]
    }

    private enum Parser {
        case events(ServerSentEvents)
        case lines(JSONLines)
    }

    private var parser: Parser

    init(_ kind: Kind, maximumLength: Int) {
        switch kind {
        case .serverSentEvents: parser = .events(ServerSentEvents(maximumLength: maximumLength))
        case .jsonLines: parser = .lines(JSONLines(maximumLength: maximumLength))
        }
    }

    /// Reads the next bytes and returns the events that they complete.
    ///
    /// Throws ``Collab/CollabError/Code/malformedResponse`` if one is longer than allowed.
    mutating func consume(_ bytes: [UInt8]) throws(CollabError) -> [Event] {
        switch parser {
        case .events(var parser):
            defer { self.parser = .events(parser) }
            var events: [ServerSentEvents.Event] = []
            try parser.consume(bytes, into: &events)
            return events.map { Event(type: $0.type, data: $0.data) }
        case .lines(var parser):
            defer { self.parser = .lines(parser) }
            var lines: [[UInt8]] = []
            try parser.consume(bytes, into: &lines)
            return lines.map { Event(type: "", data: $0) }
        }
    }

    /// Ends the stream and returns an event that lacks its end, if there is one; whoever knows that it is whole may
    /// use it.
    mutating func end() throws(CollabError) -> Event? {
        switch parser {
        case .events(var parser): try parser.end().map { Event(type: $0.type, data: $0.data) }
        case .lines(var parser): parser.end().map { Event(type: "", data: $0) }
        }
    }
}
