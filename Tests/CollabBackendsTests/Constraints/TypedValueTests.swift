import Collab
import CollabBackends
import CollabTesting
import Foundation
import Testing

@Suite("Values of typed answers")
struct TypedValueTests {
    /// A model that would write a text letter by letter, if it is let.
    private static func model(writing text: String) -> ScriptedLogitModel {
        let letters = (0x20..<0x7F).map { String(UnicodeScalar($0)) }
        return ScriptedLogitModel("scripted", vocabulary: letters + ["?!"], contextLength: 1000) { prefix in
            let written = prefix.hasPrefix("?!") ? prefix.dropFirst(2) : prefix[...]
            guard text.hasPrefix(written), written.count < text.count else {
                return [ScriptedLogitModel.end: 1]
            }
            return [String(Array(text)[written.count]): 1]
        }
    }

    private static func answer<Value: Decodable & Sendable & JSONSchemaDescribing>(
        _ text: String,
        as type: Value.Type
    ) async throws -> Value {
        let response = try await model(writing: text).respond(to: .completion("?!"), as: type)
        #expect(response.response.text == text)
        return response.value
    }

    private struct Meeting: Codable, Sendable, Equatable, JSONSchemaDescribing {
        enum Priority: Int, Codable, Sendable, CaseIterable, JSONSchemaDescribing { case low = -1, high = 12 }
        enum Kind: String, Codable, Sendable, CaseIterable, JSONSchemaDescribing { case call, visit }
        struct Guest: Codable, Sendable, Equatable, JSONSchemaDescribing {
            var id: UUID
            var since: Date?
            static var jsonSchema: JSONSchema {
                .object {
                    JSONSchema.Property("id", UUID.self)
                    JSONSchema.Property("since", Date?.self)
                }
            }
        }
        var start: Date
        var day: Date
        var priority: Priority
        var kinds: [Kind]
        var guests: [String: [Guest]]
        var note: String??

        static var jsonSchema: JSONSchema {
            .object {
                JSONSchema.Property("start", Date.self)
                JSONSchema.Property("day", .text(format: "date"))
                JSONSchema.Property("priority", Priority.self)
                JSONSchema.Property("kinds", [Kind].self)
                JSONSchema.Property("guests", [String: [Guest]].self)
                JSONSchema.Property("note", String??.self)
            }
        }
    }

    @Test(
        "dates, enumerations, lists, dictionaries and optionals within optionals are what their schema lets be written"
    )
    func nested() async throws {
        let value = try await Self.answer(
            #"{"start":"2024-02-29T23:30:00.25+01:00","day":"1969-12-31","priority":-1,"kinds":["visit","call"],"#
                + #""guests":{"a":[{"id":"00000000-0000-4000-8000-00000000000a","since":"1990-01-01T00:00:00Z"},"#
                + #"{"id":"00000000-0000-4000-8000-00000000000b","since":null}],"b":[]},"note":null}"#,
            as: Meeting.self
        )
        #expect(value.start == Date(timeIntervalSince1970: 1_709_245_800.25))
        #expect(value.day == Date(timeIntervalSince1970: -86_400))
        #expect(value.priority == .low && value.kinds == [.visit, .call])
        #expect(value.guests["a"]?.map(\.since) == [Date(timeIntervalSince1970: 631_152_000), nil])
        #expect(value.guests["b"] == [] && (value.note ?? nil) == nil)
        let short = try await Self.answer(
            #"{"start":"1000-01-01T00:00:00Z","day":"2000-01-01","priority":12,"kinds":[],"guests":{}}"#,
            as: Meeting.self
        )
        #expect((short.note ?? nil) == nil && short.start < Date(timeIntervalSince1970: -30_000_000_000))
    }

    @Test("every moment that the schema allows is decoded as the decoder of ISO 8601 does")
    func moments() async throws {
        let reference = JSONDecoder()
        reference.dateDecodingStrategy = .iso8601
        for year in [1600, 1899, 1970, 2000, 2024, 2999] {
            for rest in ["-01-01T00:00:00Z", "-02-28T23:59:59Z", "-03-01T12:00:00Z", "-12-31T06:30:01Z"] {
                let json = "\"\(year)\(rest)\""
                let value = try await Self.answer(json, as: Date.self)
                #expect(try value == reference.decode(Date.self, from: Data(json.utf8)), "\(json)")
            }
        }
    }

    private struct Seconds: Codable, Sendable, JSONSchemaDescribing {
        var firstDay: Date
        static var jsonSchema: JSONSchema { .object { JSONSchema.Property("first_day", .integer(0...)) } }
    }

    @Test("a decoder of the program's own decides what the values mean")
    func ownDecoder() async throws {
        let model = Self.model(writing: #"{"first_day":86400}"#)
        let answer = try await model.respond(to: .completion("?!"), as: Seconds.self) { json in
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .secondsSince1970
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Seconds.self, from: Data(json))
        }
        #expect(answer.value.firstDay == Date(timeIntervalSince1970: 86_400))
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: .completion("?!"), as: Seconds.self)
        }
        #expect(error?.code == .unparsed)
    }

    @Test("a date as a number is still one of Foundation's")
    func numbers() async throws {
        struct Moment: Codable, Sendable, JSONSchemaDescribing {
            var at: Date
            static var jsonSchema: JSONSchema { .object { JSONSchema.Property("at", .number) } }
        }
        let value = try await Self.answer(#"{"at":0.5}"#, as: Moment.self)
        #expect(value.at == Date(timeIntervalSinceReferenceDate: 0.5))
    }
}
