import Collab
import CollabBackends
import CollabTesting
import Foundation
import Testing

/// Answers with the question, counted, in two pieces.
private struct Parrot: TextModel {
    let name = "parrot"

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        if request.question == "fail" { throw CollabError(.serverError, "The parrot is asleep.") }
        let text = "You said \(request.question) (sample \(request.sample))"
        await sink.send(String(text.prefix(4)))
        await sink.send(String(text.dropFirst(4)))
        return Response(text: text, model: name, usage: Usage(promptTokens: 3, completionTokens: 5, calls: 1))
    }
}

@Suite("Record and replay")
struct ReplayTests {
    private func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "cassette-\(UUID()).jsonl").path
    }

    @Test("A replayed run gives the recorded answers without the model")
    func roundTrip() async throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let model = Parrot().recording(to: try CassetteRecorder(writingTo: path))
        let recorded = try await model.respond(to: "hello")

        let replay = ReplayModel("parrot", from: try Cassette(contentsOf: path))
        let replayed = try await replay.respond(to: "hello")
        #expect(replayed.text == recorded.text)
        #expect(replayed.usage.totalTokens == 8)
    }

    @Test("The pieces of a streamed answer are replayed as they came")
    func pieces() async throws {
        let recorder = CassetteRecorder()
        _ = try await Parrot().recording(to: recorder).respond(to: "hello")
        var pieces: [String] = []
        for try await piece in ReplayModel("parrot", from: recorder.cassette).stream("hello").text {
            pieces.append(piece)
        }
        #expect(pieces == ["You ", "said hello (sample 0)"])
    }

    @Test("Where nothing was recorded the model is called, and recorded")
    func replayOrCall() async throws {
        let first = CassetteRecorder()
        _ = try await Parrot().recording(to: first).respond(to: "hello")
        let second = CassetteRecorder()
        let model = Parrot().replaying(CassettePlayer(first.cassette), recordingTo: second)
        #expect(try await model.respond(to: "hello").text == "You said hello (sample 0)")
        #expect(second.cassette.entries.isEmpty)
        #expect(try await model.respond(to: "bye").text == "You said bye (sample 0)")
        #expect(second.cassette.entries.map(\.request.question) == ["bye"])
    }

    @Test("Answers come as slowly as they were recorded, on the clock of the run")
    func pace() async throws {
        var entry = Cassette.Entry(model: "parrot", request: "hello")
        entry.response = Response(text: "hi", model: "parrot")
        entry.seconds = 3600
        let model = ReplayModel("parrot", from: Cassette(entries: [entry]), pace: .asRecorded)
        let clock = VirtualClock()
        let answer = Task { try await model.respond(to: "hello", in: Run(clock: clock)).text }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(3600))
        #expect(try await answer.value == "hi")
    }

    @Test("Pieces come when they came when they were recorded, also of an answer that broke off")
    func piecewisePace() async throws {
        struct Slow: TextModel {
            let name = "slow"
            func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
                for piece in ["a", "b"] {
                    try await Run.sleep(for: .seconds(10))
                    await sink.send(piece)
                }
                try await Run.sleep(for: .seconds(5))
                if request.question == "fail" { throw CollabError(.serverError, "gone") }
                return Response(text: "ab", model: name)
            }
        }
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let recorder = try CassetteRecorder(writingTo: path)
        for question in ["go", "fail"] {
            _ = try? await Slow().recording(to: recorder).respond(
                to: question,
                in: Run(clock: LeapingClock())
            )
        }
        let cassette = try Cassette(contentsOf: path)
        #expect(cassette.entries.map(\.pieceSeconds) == [[10, 20], [10, 20]])
        for question in ["go", "fail"] {
            let run = Run(clock: LeapingClock())
            let times = Protected<[Duration]>([])
            let listener = run.listen { event in
                if case .text = event.kind { times.withLock { $0.append(event.time) } }
            }
            _ = try? await ReplayModel("slow", from: cassette, pace: .asRecorded).respond(
                to: question,
                in: run
            )
            #expect(times.withLock { $0 } == [.seconds(10), .seconds(20)], "\(question)")
            #expect(run.elapsed == .seconds(25))
            _ = listener
        }
    }

    @Test("Two recordings of the same answers are one file in canonical form, and still replay")
    func canonical() async throws {
        func record(_ delays: [Int]) async throws -> Cassette {
            let recorder = CassetteRecorder()
            let models = zip(["a", "b", "c"], delays).map { name, delay in
                ScriptedModel(name, always: ScriptedAnswer("I am \(name)", delay: .seconds(delay)))
            }
            for (model, delay) in zip(models, delays).sorted(by: { $0.1 < $1.1 }) {
                _ = delay
                for sample in [1, 0] {
                    _ = try await model.recording(to: recorder).respond(
                        to: Request(.dialogue([.user("who?")]), sample: sample),
                        in: Run(clock: LeapingClock())
                    )
                }
            }
            return recorder.cassette
        }
        let (first, second) = (try await record([1, 2, 3]), try await record([5, 1, 2]))
        let paths = [temporaryPath(), temporaryPath()]
        defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
        try first.write(to: paths[0])
        try second.write(to: paths[1])
        #expect(
            FileManager.default.contents(atPath: paths[0]) != FileManager.default.contents(atPath: paths[1])
        )
        try first.canonical().write(to: paths[0])
        try second.canonical().write(to: paths[1])
        #expect(
            FileManager.default.contents(atPath: paths[0]) == FileManager.default.contents(atPath: paths[1])
        )
        let replay = ReplayModel("b", from: try Cassette(contentsOf: paths[0]))
        #expect(
            try await replay.respond(to: Request(.dialogue([.user("who?")]), sample: 1)).text == "I am b"
        )
    }

    @Test("The sample index is part of the key")
    func sampleIndex() async throws {
        let recorder = CassetteRecorder()
        let model = Parrot().recording(to: recorder)
        for sample in 0..<3 {
            _ = try await model.respond(to: Request(.dialogue([.user("hi")]), sample: sample))
        }
        let replay = ReplayModel("parrot", from: recorder.cassette)
        let second = try await replay.respond(to: Request(.dialogue([.user("hi")]), sample: 1))
        #expect(second.text.hasSuffix("(sample 1)"))
        let error = await #expect(throws: CollabError.self) {
            try await replay.respond(to: Request(.dialogue([.user("hi")]), sample: 7))
        }
        #expect(error?.code == .replayMiss)
        #expect(error?.message.contains("sample index (asked: 7") == true)
    }

    @Test("A miss names the nearest recorded request and the first difference")
    func miss() async throws {
        let recorder = CassetteRecorder()
        let model = Parrot().recording(to: recorder)
        _ = try await model.respond(to: "What is the capital of France?")
        _ = try await model.respond(to: "How many legs has a spider?")
        let replay = ReplayModel("parrot", from: recorder.cassette)
        let error = await #expect(throws: CollabError.self) {
            try await replay.respond(to: "What is the capital of Spain?")
        }
        #expect(error?.code == .replayMiss)
        let message = try #require(error?.message)
        #expect(message.contains("number 1"))
        #expect(message.contains("Spain") && message.contains("France"))
    }

    @Test("Equal calls are replayed in the order of their recording, and no more often")
    func repeatedCalls() async throws {
        var cassette = Cassette()
        for text in ["first", "second"] {
            cassette.entries.append(
                Cassette.Entry(model: "m", request: "same", response: Response(text: text, model: "m"))
            )
        }
        let replay = ReplayModel("m", from: cassette)
        #expect(try await replay.respond(to: "same").text == "first")
        #expect(try await replay.respond(to: "same").text == "second")
        await #expect(throws: CollabError.self) { try await replay.respond(to: "same") }
    }

    @Test("A recorded failure fails again, with its code and message")
    func failures() async throws {
        let recorder = CassetteRecorder()
        _ = try? await Parrot().recording(to: recorder).respond(to: "fail")
        let error = await #expect(throws: CollabError.self) {
            try await ReplayModel("parrot", from: recorder.cassette).respond(to: "fail")
        }
        #expect(error?.code == .serverError)
        #expect(error?.message == "The parrot is asleep.")
    }

    @Test(
        "What a failure knew about its call is recorded, so that a replay is not tried again where the call was not"
    )
    func failureTraits() async throws {
        struct Breaking: TextModel {
            let name = "breaking"
            func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
                let partial = Response(text: "", model: name, usage: Usage(completionTokens: 3, calls: 1))
                throw CollabError(
                    .transport,
                    "The answer broke off.",
                    cause: RemoteFailure(.interrupted, status: 200, isPossiblyBilled: true, partial: partial)
                )
            }
        }
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let retry = Retry(attempts: 3, delay: .zero)
        let model = Breaking().recording(to: try CassetteRecorder(writingTo: path)).retrying(retry)
        let recorded = await #expect(throws: CollabError.self) { try await model.respond(to: "x") }
        let replay = ReplayModel("breaking", from: try Cassette(contentsOf: path)).retrying(retry)
        let run = Run()
        let replayed = await #expect(throws: CollabError.self) { try await replay.respond(to: "x", in: run) }
        #expect(replayed?.code == .transport)
        #expect(replayed?.message == recorded?.message)
        #expect(replayed?.traits == recorded?.traits)
        #expect(run.trace?.ledger.map(\.billing) == [.possiblyBilled])
        #expect(run.usage.completionTokens == 3)
    }

    @Test("What has not been asked for is listed")
    func unused() async throws {
        let recorder = CassetteRecorder()
        let model = Parrot().recording(to: recorder)
        _ = try await model.respond(to: "one")
        _ = try await model.respond(to: "two")
        let player = CassettePlayer(recorder.cassette)
        _ = try await ReplayModel("parrot", from: player).respond(to: "two")
        #expect(player.unused.map(\.request.question) == ["one"])
    }

    @Test(
        "A file that is no cassette is refused with the line",
        arguments: [
            ("", "is empty"),
            ("{\"schema\":\"collab.cassette/99\"}\n", "collab.cassette/99"),
            ("{\"schema\":\"collab.cassette/1\"}\n{\"model\":1}\n", "Line 2"),
            ("not json\n", "Line 1"),
        ]
    )
    func malformed(content: String, says: String) throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try content.write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: CollabError.self) { try Cassette(contentsOf: path) }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains(says) == true)
    }

    @Test("A missing cassette is an error of its own")
    func missing() {
        let error = #expect(throws: CollabError.self) { try Cassette(contentsOf: "/nowhere/at/all.jsonl") }
        #expect(error?.code == .fileNotFound)
    }

    @Test("Redaction happens before anything is kept")
    func redaction() async throws {
        let recorder = CassetteRecorder { entry in
            var entry = entry
            entry.request = entry.request.replacingQuestion(with: "[redacted]")
            return entry
        }
        _ = try await Parrot().recording(to: recorder).respond(to: "my secret")
        #expect(recorder.cassette.entries.first?.request.question == "[redacted]")
    }
}
