import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// What a run's budget has left must not decide whether a recorded call is found again.
@Suite("Recording and replaying under a budget of tokens")
struct ReplayBudgetTests {
    private func record(
        _ recorder: CassetteRecorder,
        budget: Budget,
        adapting: (RecordingModel<ScriptedModel>) -> any TextModel = { $0 }
    ) async throws {
        let model = adapting(ScriptedModel("m", always: "one two three four").recording(to: recorder))
        let run = Run(budget: budget)
        for question in ["a", "b"] { _ = try await model.respond(to: Request(question), in: run) }
    }

    @Test("the key is what was asked, whatever the budget had left")
    func key() async throws {
        let recorder = CassetteRecorder()
        try await record(recorder, budget: .tokens(100))
        let cassette = recorder.cassette
        #expect(cassette.entries.map(\.request.options.maximumTokens) == [nil, nil])
        for budget in [Budget.unlimited, .tokens(100), .tokens(57), .calls(2)] {
            let player = CassettePlayer(cassette)
            let model = ReplayModel("m", from: player)
            let run = Run(budget: budget)
            for question in ["a", "b"] {
                #expect(try await model.respond(to: Request(question), in: run).text == "one two three four")
            }
            #expect(player.unused.isEmpty)
        }
    }

    @Test("a limit that was asked for stays, also one below what the budget has left, and one above it")
    func askedLimit() async throws {
        for limit in [3, 5000] {
            let recorder = CassetteRecorder()
            try await record(recorder, budget: .tokens(100)) { model in
                model.options { $0.maximumTokens = limit }
            }
            let entries = recorder.cassette.entries
            #expect(entries.map(\.request.options.maximumTokens) == [limit, limit])
            let replayed = ReplayModel("m", from: recorder.cassette).options { $0.maximumTokens = limit }
            let run = Run(budget: .tokens(80))
            for question in ["a", "b"] { _ = try await replayed.respond(to: Request(question), in: run) }
        }
    }

    @Test("the model itself is still held to what the budget has left")
    func stillCapped() async throws {
        let base = ScriptedModel("m", always: "one two three four")
        let recorder = CassetteRecorder()
        let run = Run(budget: .tokens(3))
        let answer = try await base.recording(to: recorder).respond(to: "a", in: run)
        #expect(base.requests.map(\.options.maximumTokens) == [3])
        #expect(answer.ending == .budgetExhausted)
        #expect(recorder.cassette.entries[0].request.options.maximumTokens == nil)
    }

    @Test("what was recorded is replayed, and only the rest is called")
    func replayOrCall() async throws {
        let first = CassetteRecorder()
        try await record(first, budget: .tokens(100))
        let base = ScriptedModel("m", always: "one two three four")
        let second = CassetteRecorder()
        let model = base.replaying(CassettePlayer(first.cassette), recordingTo: second)
        let run = Run(budget: .tokens(61))
        for question in ["a", "b", "c"] { _ = try await model.respond(to: Request(question), in: run) }
        #expect(base.callCount == 1)
        #expect(second.cassette.entries.map(\.request.question) == ["c"])
    }
}
