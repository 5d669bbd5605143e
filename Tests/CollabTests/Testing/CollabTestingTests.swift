import Collab
import CollabTesting
import Testing

@Suite("The conformance suite")
struct BackendConformanceTests {
    @Test("finds nothing wrong with a scripted model")
    func scriptedModel() async {
        let model = ScriptedModel("m", always: "red, green and blue, and more")
        #expect(await BackendConformance(model, patience: .seconds(60)).violations().map(\.description) == [])
    }

    @Test("finds nothing wrong with a scripted logit model")
    func scriptedLogitModel() async {
        let model = ScriptedLogitModel("m", vocabulary: ["a", "b"]) { _ in
            ["a": 0.6, "b": 0.3, ScriptedLogitModel.end: 0.1]
        }
        #expect(await BackendConformance(model, patience: .seconds(60)).violations().map(\.description) == [])
    }

    @Test("finds nothing wrong with the decoder of a scripted logit model")
    func decoder() async {
        let model = ScriptedLogitModel("m", vocabulary: ["N", "a", "m", "e", " "]) { prefix in
            prefix.count.isMultiple(of: 2) ? ["a": 0.6, "e": 0.4] : ["m": 0.5, ScriptedLogitModel.end: 0.5]
        }
        #expect(await BackendConformance(model).decodingViolations().map(\.description) == [])
    }

    @Test("notices a decoder whose forks disturb each other")
    func sharedForks() async {
        let found = await BackendConformance(Forgetful()).decodingViolations().map(\.promise)
        #expect(found.contains("forks do not disturb each other"))
        #expect(found.contains("truncating rolls back"))
        #expect(!found.contains("tokens read together and one by one give the same logits"))
    }

    /// A model that breaks a promise of one's choice.
    struct Liar: TextModel {
        let name = "liar"
        let generateBody: @Sendable (Request, ResponseSink) async throws(CollabError) -> Response

        func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
            try await generateBody(request, sink)
        }
    }

    @Test("notices pieces that are not the text")
    func pieces() async {
        let liar = Liar { (_, sink) throws(CollabError) in
            await sink.send("one thing")
            return Response(text: "another", model: "liar")
        }
        let found = await BackendConformance(liar).violations().map(\.promise)
        #expect(found.contains("the pieces sent, joined, are the text returned"))
        #expect(found.contains("cancelling ends the writing promptly"))
    }

    @Test("notices too many tokens and answers that change")
    func tokens() async {
        let counter = Protected(0)
        let liar = Liar { (_, sink) throws(CollabError) in
            let number = counter.withLock { counter in
                counter += 1
                return counter
            }
            if Task.isCancelled { throw .cancelled }
            await sink.send("\(number)")
            return Response(text: "\(number)", model: "liar", usage: Usage(completionTokens: 9))
        }
        let found = await BackendConformance(liar).violations().map(\.promise)
        #expect(found.contains("maximumTokens is honoured"))
        #expect(found.contains("greedy answers repeat"))
        #expect(found.contains("calls side by side stay apart"))
    }
}

@Suite("A virtual clock")
struct VirtualClockTests {
    @Test("wakes sleepers in the order of their deadlines, and only when it is advanced")
    func order() async {
        let clock = VirtualClock()
        let woken = Protected<[Int]>([])
        await withTaskGroup(of: Void.self) { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try? await clock.sleep(for: .seconds(seconds))
                    woken.withLock { $0.append(seconds) }
                }
            }
            await clock.waitForSleepers(3)
            #expect(woken.withLock { $0 } == [])
            for expected in [[1], [1, 2], [1, 2, 3]] {
                clock.advance(by: .seconds(1))
                while woken.withLock({ $0.count }) < expected.count { await Task.yield() }
                #expect(woken.withLock { $0 } == expected)
            }
        }
    }

    @Test("lets a cancelled sleeper go")
    func cancellation() async {
        let clock = VirtualClock()
        let task = Task { try await clock.sleep(for: .seconds(1)) }
        await clock.waitForSleepers(1)
        task.cancel()
        await #expect(throws: CollabError.self) { try await task.value }
        #expect(clock.sleeperCount == 0)
    }
}

@Suite("A scripted logit model")
struct ScriptedLogitModelTests {
    let model = ScriptedLogitModel("m", vocabulary: ["a", "b", "ab"]) { prefix in
        prefix.hasSuffix("b") ? [ScriptedLogitModel.end: 1] : ["a": 0.25, "b": 0.75]
    }

    @Test("reads the longest tokens, and drops what it has no token for")
    func encodes() throws {
        #expect(try model.vocabulary.encode("xabba", parsingSpecialTokens: false) == [2, 1, 0])
    }

    @Test("gives the same logits for tokens read together and one by one")
    func batches() async throws {
        let (together, single) = (try await model.makeDecoder(), try await model.makeDecoder())
        let all = try await together.append([0, 1, 0], logits: .all)
        for (index, token) in [0, 1, 0].enumerated() {
            #expect(try await single.append(TokenID(token)).values == all[index].values)
        }
    }

    @Test("forks into decoders that do not disturb each other, and truncates")
    func forks() async throws {
        let decoder = try await model.makeDecoder()
        _ = try await decoder.append([0], logits: .last)
        let fork = try await decoder.fork()
        _ = try await fork.append([1], logits: .last)
        #expect((decoder.position, fork.position) == (1, 2))
        try await fork.truncate(to: 1)
        let (one, other) = (try await decoder.append(0).values, try await fork.append(0).values)
        #expect(one == other)
    }
}

/// A logit model whose decoders fork into themselves and never forget.
private struct Forgetful: LogitModel {
    let base = ScriptedLogitModel("m", vocabulary: ["N", "a", "m", "e"]) { prefix in
        ["a": Double(prefix.count % 7 + 1), "e": 1]
    }
    var name: String { base.name }
    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }
    func makeDecoder() async throws(CollabError) -> any Decoder { Shared(try await base.makeDecoder()) }

    final class Shared: Decoder {
        let inner: any Decoder
        init(_ inner: any Decoder) { self.inner = inner }
        var position: Int { inner.position }
        func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
            try await inner.append(tokens, logits: logits)
        }
        func truncate(to count: Int) async throws(CollabError) {}
        func fork() async throws(CollabError) -> any Decoder { self }
    }
}
