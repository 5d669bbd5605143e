import Collab
import CollabTesting
import Foundation
import Testing

@testable import CollabBackends

/// What is written down of answers in which a server quotes the key that it was sent.
@Suite("Keys that a server quotes under a good status", .timeLimit(.minutes(2)))
struct QuotedKeyTests {
    private let server: FaultServer
    private let folder: TemporaryFolder

    init() throws {
        server = try FaultServer.running()
        folder = try TemporaryFolder()
    }

    /// A key that no other test uses: what is quoted once is taken out of everything that this process writes down.
    private static func key(_ name: String) -> String { "sk-quoted-\(name)-6f1d0c9b8a7e" }

    private func model(_ faults: String, _ key: String, _ kind: ServerKind = .compatible) throws
        -> RemoteModel
    {
        var base = server.base(faults, id: FaultServer.makeID("quote"))
        if kind.dialect == .ollama { base.removeLast("/v1".count) }
        var settings = RemoteSettings(transport: try Transport())
        settings.keyField = kind.dialect == .ollama ? .bearer : nil
        return try RemoteModel("m", at: base, key: Secret { key }, server: kind, settings: settings)
    }

    /// What a cassette's file and its recorder hold, as text.
    private func written(_ recorder: CassetteRecorder, _ path: String) throws -> String {
        var dumped = ""
        dump(recorder.cassette, to: &dumped)
        return try String(contentsOfFile: path, encoding: .utf8) + dumped
    }

    @Test(
        "The caller gets the answer as it is; cassette and trace have a mark in the key's place",
        arguments: [ServerKind.compatible, .openAIResponses, .anthropic, .ollama]
    )
    func recorded(kind: ServerKind) async throws {
        let key = Self.key(kind.name.lowercased().filter(\.isLetter))
        let path = folder.path("calls.jsonl")
        let recorder = try CassetteRecorder(writingTo: path)
        let run = Run()
        let member = try model("quote", key, kind).recording(to: recorder)
        let answer = try await member.respond(to: "hi", in: run)
        #expect(answer.text.contains("your key is \(key)"))

        let trace = try #require(answer.trace)
        for text in [
            try written(recorder, path), "\(trace)",
            String(decoding: try JSONEncoder().encode(trace), as: UTF8.self),
            String(decoding: try JSONEncoder().encode(run.trace), as: UTF8.self),
        ] {
            #expect(!text.contains(key))
            #expect(text.contains("your key is [redacted]"))
        }
        let entry = try #require(recorder.cassette.entries.first)
        #expect(entry.pieces.count > 5)
        #expect(entry.pieces.joined() == entry.response?.text)
        #expect(entry.pieces.count == entry.pieceSeconds?.count)
        // Nor does what came after the mark lose anything.
        #expect(entry.response?.text.hasSuffix("東京 tea.") == true)
    }

    @Test("Tokens that spell the key lose their bytes, ids and alternatives; the others keep theirs")
    func tokens() async throws {
        let key = Self.key("tokens")
        let recorder = CassetteRecorder()
        let request = Request("hi", options: GenerationOptions(alternatives: 3))
        let answer = try await model("quote", key).recording(to: recorder).respond(to: request)
        let (given, kept) = (
            try #require(answer.tokens), try #require(recorder.cassette.entries[0].response?.tokens)
        )
        #expect(given.count == kept.count)
        let changed = zip(given, kept).filter { $0.bytes != $1.bytes }
        #expect(changed.map(\.0.bytes).joined().elementsEqual(key.utf8))
        #expect(changed.map(\.1.bytes).joined().elementsEqual("[redacted]".utf8))
        #expect(changed.allSatisfy { $1.id == nil && $1.alternatives.isEmpty && $0.logprob == $1.logprob })
        #expect(zip(given, kept).filter { $0.bytes == $1.bytes }.allSatisfy { $0 == $1 })
    }

    @Test("An answer that is cut off within the key, or breaks off behind it, is not kept with a part of it")
    func cutOff() async throws {
        let key = Self.key("cut")
        let path = folder.path("calls.jsonl")
        let recorder = try CassetteRecorder(writingTo: path)
        // Seven tokens come before the key's, of five bytes each.
        let request = Request("hi", options: GenerationOptions(maximumTokens: 11))
        let answer = try await model("quote", key).recording(to: recorder).respond(to: request)
        #expect(answer.text.hasSuffix(key.prefix(20)))
        let broken = try model("quote,reset=mid,at=20", key)
        let error = await #expect(throws: CollabError.self) {
            try await broken.recording(to: recorder).respond(to: "hi")
        }
        expectNoKey(in: error as Any, key)
        #expect(error?.remoteFailure?.partial?.text.contains("[redacted]") == true)
        let text = try written(recorder, path)
        #expect(!text.contains(key.prefix(12)))
        #expect(recorder.cassette.entries.map { $0.pieces.joined().contains("[redacted]") } == [true, true])
    }

    @Test("Who is shown the answer later is recorded without the key too, and the replay goes the same way")
    func later() async throws {
        let key = Self.key("later")
        let path = folder.path("calls.jsonl")
        let recorder = try CassetteRecorder(writingTo: path)
        let first = try model("quote", key).recording(to: recorder)
        let second = ScriptedModel("second") { (request, _) throws(CollabError) in
            ScriptedAnswer("I read: \(request.question)")
        }
        let answer = try await first.respond(to: "hi")
        let verdict = try await second.recording(to: recorder).respond(to: Request(answer.text))
        #expect(verdict.text.contains(key))
        #expect(!(try written(recorder, path)).contains(key))
        #expect(verdict.trace.map { "\($0)".contains(key) } == false)

        let player = try CassettePlayer(contentsOf: path)
        let again = try await ReplayModel("m", from: player).respond(to: "hi")
        let replayed = try await ReplayModel("second", from: player).respond(to: Request(again.text))
        #expect(replayed.text.hasPrefix("I read: Paris is the your key is [redacted]"))
        #expect(player.unused.isEmpty)
    }

    @Test("A key with quotes and slashes is found as JSON writes it, in the arguments of a tool as well")
    func escaped() async throws {
        let key = #"sk/quoted"json\6f1d0c"#
        let recorder = CassetteRecorder()
        let scripted = ScriptedModel("tool") { (_, _) throws(CollabError) in
            var response = Response(text: "", model: "tool")
            response.toolCalls = [
                ToolCall(id: "1", name: "a", arguments: #"{"k":"sk\/quoted\"json\\6f1d0c"}"#)
            ]
            QuotedKeys.look(for: [key], in: response)
            return ScriptedAnswer(response.toolCalls[0].arguments)
        }
        _ = try await scripted.recording(to: recorder).respond(to: "hi")
        #expect(recorder.cassette.entries[0].response?.text == #"{"k":"[redacted]"}"#)
    }

    @Test(
        "Placeholders that stand where servers want no key are words like others",
        arguments: ["EMPTY", "anything"]
    )
    func placeholders(key: String) async throws {
        let recorder = CassetteRecorder()
        let answer = try await model("quote", key).recording(to: recorder).respond(to: "hi")
        #expect(recorder.cassette.entries[0].response?.text == answer.text)
        #expect(answer.text.contains("your key is \(key)"))
    }
}
