import Collab
import Testing

@Suite("Writing an answer from logits")
struct GenerationTests {
    /// The question is one token long, so a scripted model starts at its first word.
    let question: Request = "a"

    @Test("writes until the end token and lists what was written")
    func writes() async throws {
        let response = try await ToyModel(writing: "abba").respond(to: question)
        #expect(response.text == "abba")
        #expect(response.ending == .finished)
        #expect(response.tokens?.map(\.id) == [0, 1, 1, 0])
        #expect(response.tokens?.flatMap(\.bytes) == Array("abba".utf8))
        let expected = 4 - log(exp(4.0) + 4)
        #expect(response.tokens?.allSatisfy { abs($0.logprob - expected) < 1e-5 } == true)
        #expect(response.usage.promptTokens == 1)
        #expect(response.usage.completionTokens == 5, "the end token is counted")
        #expect(response.usage.calls == 1)
    }

    @Test("stops at the token limit, its own or the context's")
    func limits() async throws {
        let model = ToyModel(always: [1, 0, 0, 0, 0])
        var request = question
        request.options.maximumTokens = 3
        let limited = try await model.respond(to: request)
        #expect(limited.text == "aaa")
        #expect(limited.ending == .tokenLimit)
        // The context of 64 holds the question's token and 63 more; the last one written is never read.
        let full = try await model.respond(to: question)
        #expect(full.text.count == 64)
        #expect(full.ending == .tokenLimit)
    }

    @Test("a prompt longer than the context is an error")
    func overflow() async throws {
        let model = ToyModel(always: [1, 0, 0, 0, 0])
        let long = Request(String(repeating: "a", count: 65))
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: long) }
        #expect(error?.code == .contextOverflow)
        let nothing = await #expect(throws: CollabError.self) { try await model.respond(to: "zzz") }
        #expect(nothing?.code == .invalidRequest)
    }

    @Test("a stop sequence across tokens ends the answer and is never shown")
    func stops() async throws {
        var request = question
        request.options.stopSequences = ["ca", "zz"]
        let pieces = Pieces()
        let response = try await ToyModel(writing: "abcbca").respond(to: request, into: pieces.sink)
        #expect(response.text == "abcb")
        #expect(response.ending == .finished)
        #expect(await pieces.all.joined() == "abcb")
    }

    @Test("text that only looked like a stop sequence is shown at the end")
    func heldBack() async throws {
        var request = question
        request.options.stopSequences = ["bb!"]
        let pieces = Pieces()
        let response = try await ToyModel(writing: "abb").respond(to: request, into: pieces.sink)
        #expect(response.text == "abb")
        #expect(await pieces.all.joined() == "abb")
    }

    @Test("streams whole characters only")
    func characters() async throws {
        let bytes = Array("é€a".utf8).map { [$0] }
        let vocabulary = ToyTokenizer(bytes: bytes)
        let model = ToyModel("bytes", vocabulary) { tokens in
            (0..<vocabulary.count).map { $0 == tokens.count - 1 ? 4 : 0 }
        }
        let pieces = Pieces()
        let response = try await model.respond(to: "a", into: pieces.sink)
        #expect(response.text == "é€a")
        #expect(await pieces.all == ["é", "€", "a"])
    }

    @Test("half a character at the end becomes U+FFFD rather than being lost")
    func brokenCharacter() async throws {
        let vocabulary = ToyTokenizer(bytes: [Array("a".utf8), [0xe2]])
        let response = try await ToyModel("bytes", vocabulary) { tokens in
            tokens.count == 1 ? [0, 4, 0] : [0, 0, 4]
        }.respond(to: "a")
        #expect(response.text == "\u{FFFD}")
    }

    @Test("an answer that a limit cuts has no half of a character")
    func cutCharacter() async throws {
        let vocabulary = ToyTokenizer(bytes: Array("aé€".utf8).map { [$0] })
        let model = ToyModel("bytes", vocabulary) { tokens in
            (0..<vocabulary.count).map { $0 == tokens.count - 1 ? 4 : 0 }
        }
        for (limit, text) in ["", "a", "a", "aé", "aé", "aé", "aé€"].enumerated().dropFirst() {
            let request = Request.completion("a", options: GenerationOptions(maximumTokens: limit))
            let pieces = Pieces()
            let response = try await model.respond(to: request, into: pieces.sink)
            #expect(response.text == text && response.ending == .tokenLimit)
            #expect(await pieces.all.joined() == text)
            let beams = try await model.beams(BeamSearch(width: 2), for: request)
            #expect(beams.first?.text == text)
        }
    }

    @Test("equal seeds write alike; the run's seed counts where the request has none")
    func seeds() async throws {
        let model = ToyModel(always: [1, 1, 1, 1, -9])
        var request = question
        request.options.sampling = .temperature(1)
        request.options.maximumTokens = 30
        func text(_ run: Run, seed: UInt64? = nil) async throws -> String {
            var request = request
            request.options.seed = seed
            return try await model.respond(to: request, in: run).text
        }
        let first = try await text(Run(seed: 1))
        #expect(try await text(Run(seed: 1)) == first)
        #expect(try await text(Run(seed: 2)) != first)
        #expect(try await text(Run(seed: 1), seed: 9) == text(Run(seed: 2), seed: 9))
    }

    @Test("two calls of one run draw differently")
    func draws() async throws {
        let model = ToyModel(always: [1, 1, 1, 1, -9])
        var request = question
        request.options.sampling = .temperature(1)
        request.options.maximumTokens = 30
        let run = Run(seed: 1)
        let texts = [
            try await model.respond(to: request, in: run).text,
            try await model.respond(to: request, in: run).text,
        ]
        #expect(texts[0] != texts[1])
    }

    @Test("alternatives are reported with their bytes")
    func alternatives() async throws {
        var request = question
        request.options.alternatives = 2
        request.options.maximumTokens = 1
        let token = try await ToyModel(always: [1, 3, 2, 0, 0]).respond(to: request).tokens?.first
        #expect(token?.alternatives.map(\.bytes) == [Array("b".utf8), Array("c".utf8)])
    }

    @Test("cancellation ends the writing within a token")
    func cancellation() async throws {
        var slow = ToyModel(always: [1, 0, 0, 0, -9])
        slow.contextLength = 1_000_000
        slow.onAppend = { (_) async throws(CollabError) in try? await Task.sleep(for: .milliseconds(1)) }
        var request = question
        request.options.maximumTokens = 100_000
        let task = Task { [slow, request] in try await slow.respond(to: request) }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("when the run's time is up, the answer so far is returned")
    func deadline() async throws {
        let clock = SteppingClock(step: .milliseconds(10))
        let run = Run(budget: .duration(.milliseconds(500)), clock: clock)
        let response = try await ToyModel(always: [1, 0, 0, 0, -9]).respond(to: question, in: run)
        #expect(response.ending == .budgetExhausted)
        #expect(!response.text.isEmpty && response.text.count < 64)
    }

    @Test("a budget with room for a long answer does not make it longer")
    func budgetIsNoWish() async throws {
        var model = ToyModel(always: [1, 0, 0, 0, -9])
        model.contextLength = 5000
        let run = Run(budget: .tokens(4000))
        let response = try await model.respond(to: question, in: run)
        #expect(response.usage.completionTokens == 512)
        #expect(response.ending == .tokenLimit)
        let rest = try await model.respond(to: question, in: Run(budget: .tokens(20)))
        #expect(rest.usage.completionTokens == 20)
        #expect(rest.ending == .budgetExhausted)
    }

    @Test("rows behind the vocabulary are padding and never written")
    func padding() async throws {
        let response = try await ToyModel { tokens in
            tokens.count == 1 ? [0, 1, 0, 0, 0, 9, 9] : [0, 0, 0, 0, 1, 9, 9]
        }.respond(to: question)
        #expect(response.text == "b")
    }
}

/// Collects streamed pieces.
actor Pieces {
    private(set) var all: [String] = []
    private func add(_ piece: String) { all.append(piece) }
    nonisolated var sink: ResponseSink { ResponseSink { await self.add($0) } }
}

/// A clock that moves on at every look.
final class SteppingClock: RunClock {
    private let time = Protected<Duration>(.zero)
    private let step: Duration
    init(step: Duration) { self.step = step }
    var now: Duration {
        time.withLock { time in
            time += step
            return time
        }
    }
    func sleep(for duration: Duration) async throws(CollabError) {}
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
