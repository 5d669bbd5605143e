import Foundation
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Answers written from the likeliest tokens")
struct PartialFusionTests {
    private static func chance(_ salt: UInt64, _ name: String) -> ToyModel {
        ToyModel(name) { tokens in
            var generator = SeededGenerator(seed: salt ^ UInt64(tokens.count * 31 + Int(tokens.last ?? 0)))
            return (0..<5).map { Float(generator.nextUnit()) * 4 - ($0 == 4 ? 4 : 0) }
        }
    }

    private func request(_ sampling: Sampling = .greedy) -> Request {
        let options = GenerationOptions(maximumTokens: 12, sampling: sampling, seed: 3)
        return Request(.completion("a"), options: options)
    }

    @Test("the greedy answer is that of the whole distributions, and the trace tells how sure it was")
    func greedy() async throws {
        let members = [Self.chance(1, "one"), Self.chance(2, "two")]
        for fusion in [Fusion.mixture, .productOfExperts, .contrastive()] {
            let expected = try await FusedModel(nil, fusion, members: members).respond(to: request())
            let partial = PartialFusion(fusion, members: members.map { TopsOfLogits($0) }, asking: 1...5)
            let run = Run()
            let response = try await partial.respond(to: request(), in: run)
            #expect(response.text == expected.text)
            #expect(response.tokens?.count == expected.tokens?.count)
            let call = try #require(run.trace?.calls.first)
            #expect(call.note("certain favourites") == "12 of 12")
            #expect(call.note("exact tokens") != nil && call.note("requests") != nil)
            let certainties = try #require(call.note("certainty")).components(separatedBy: " · ")
            #expect(certainties.count == 12)
            for (token, certainty) in zip(response.tokens ?? [], certainties) {
                #expect(certainty.hasPrefix("“\(String(decoding: token.bytes, as: UTF8.self))” "))
            }
            let exact = certainties.count { $0.hasSuffix("exact") }
            #expect(call.note("exact tokens") == "\(exact) of 12")
        }
    }

    @Test("a server that lists few tokens leaves tokens open, and that is said")
    func open() async throws {
        let members = [
            TopsOfLogits(Self.chance(1, "one"), limit: 2), TopsOfLogits(Self.chance(2, "two"), limit: 2),
        ]
        let run = Run()
        let partial = PartialFusion(.mixture, members: members, asking: 2...4)
        _ = try await partial.respond(to: request(.temperature(1)), in: run)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("exact tokens") == "0 of 12")
        #expect(call.note("total variation")?.hasPrefix("at most 0.") == true)
        let contrast = PartialFusion(.contrastive(), members: members, asking: 2...2)
        let second = Run()
        _ = try await contrast.respond(to: request(), in: second)
        #expect(second.trace?.calls.first?.note("approximate tokens") != nil)
        #expect(second.trace?.calls.first?.note("certainty")?.contains("” approximate") == true)
        #expect(call.note("certainty")?.contains("” ± 0.") == true)
    }

    @Test("members of different vocabularies meet by their bytes, and answers end where all may end")
    func vocabularies() async throws {
        let two = ToyTokenizer(["d", "c", "b", "a"])
        let members = [ToyModel("one", writing: "bca"), ToyModel("two", two, writing: "bca")]
        let partial = PartialFusion(.productOfExperts, members: members.map { TopsOfLogits($0) })
        let response = try await partial.respond(to: request())
        #expect(response.text == "bca")
        #expect(response.ending == .finished)
    }

    @Test("what a local member guesses is looked at in one request, and changes no answer")
    func lookahead() async throws {
        let local = TopsOfLogits(Self.chance(1, "one"))
        var texts: Set<String> = []
        var requests: [Int] = []
        for lookahead in [0, 4] {
            let remote = ForeseeingModel(base: TopsOfLogits(Self.chance(2, "two")))
            let partial = PartialFusion(
                .mixture(weights: [4, 1]),
                members: [local, remote],
                asking: 5...5,
                lookahead: lookahead
            )
            let run = Run()
            let response = try await partial.respond(to: request(), in: run)
            texts.insert(response.text)
            requests.append(remote.asked.withLock { $0 })
            #expect(response.usage.completionTokens == 12)
            #expect(run.trace?.calls.first?.note("requests") == "\(requests[requests.count - 1] + 1)")
        }
        #expect(texts.count == 1)
        #expect(requests[0] == 12)
        #expect(requests[1] <= 6, "\(requests)")
    }

    @Test("control tokens that end nothing are not known by their bytes, and padding is no token")
    func controls() async throws {
        struct Padded: LogitModel {
            let base = ToyModel("padded", always: [1, 2, 0, 3, -1])
            var name: String { base.name }
            var tokenizer: any Tokenizer { Controlled(base: base.vocabulary) }
            var contextLength: Int { 64 }
            func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { [0] }
            func makeDecoder() async throws(CollabError) -> any Decoder {
                ToyDecoder(ToyModel("padded", always: [1, 2, 0, 3, -1, 9]), [])
            }
        }
        struct Controlled: Tokenizer {
            var base: ToyTokenizer
            var count: Int { base.count }
            var endTokens: Set<TokenID> { base.endTokens }
            var fingerprint: VocabularyFingerprint { base.fingerprint }
            func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
                try base.encode(text, parsingSpecialTokens: parsingSpecialTokens)
            }
            func bytes(of token: TokenID) -> [UInt8] { base.bytes(of: token) }
            func isControl(_ token: TokenID) -> Bool { token == 3 || base.isControl(token) }
        }
        let answer = try await TopsOfLogits(Padded()).startAnswer(request())
        let known = try await answer.next(count: 9)
        #expect(known.entries.map(\.bytes) == [[98], [97], [99], []])
        let sum = [1.0, 2, 0, 3, -1].reduce(0) { $0 + exp($1) }
        #expect(abs(known.unseenMass - exp(3) / sum) < 1e-6)
        #expect(abs(known.unseenBound - exp(3) / sum) < 1e-6)
    }

    @Test("settings that need whole distributions are refused; so is an answer that nobody knows")
    func refusals() async {
        let members = [ToyModel("one", always: [9, 0, 0, 0, 0]), ToyModel("two", always: [0, 9, 0, 0, 0])]
        let partial = PartialFusion(
            .productOfExperts,
            members: members.map { TopsOfLogits($0, limit: 1) },
            asking: 1...2
        )
        let open = await #expect(throws: CollabError.self) { try await partial.respond(to: request()) }
        #expect(open?.code == .nothingToSample)
        for sampling in [Sampling.temperature(1, topP: 0.9), Sampling(repetitionPenalty: 1.1)] {
            let error = await #expect(throws: CollabError.self) {
                try await partial.respond(to: request(sampling))
            }
            #expect(error?.code == .invalidRequest)
        }
        let none = await #expect(throws: CollabError.self) {
            try await PartialFusion(.mixture, members: []).respond(to: request())
        }
        #expect(none?.code == .emptyTeam)
    }
}

/// A server that can tell what follows each of some guesses, and counts how often it is asked.
private struct ForeseeingModel: TopLogprobModel {
    let base: TopsOfLogits
    let asked = Protected(0)

    var name: String { "remote" }
    var profile: ModelProfile { base.profile }
    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(request, into: sink)
    }
    func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer {
        ForeseeingAnswer(try await base.startAnswer(request), asked)
    }
}

private final class ForeseeingAnswer: TopLogprobAnswer {
    private let base: any TopLogprobAnswer
    private let asked: Protected<Int>
    private let ahead = Protected<ArraySlice<[UInt8]>>([])

    init(_ base: any TopLogprobAnswer, _ asked: Protected<Int>) {
        self.base = base
        self.asked = asked
    }

    var usage: Usage { Usage(promptTokens: 1, calls: asked.withLock { $0 }) }
    func foresee(_ guesses: [[UInt8]], count: Int) async throws(CollabError) {
        asked.withLock { $0 += 1 }
        ahead.withLock { $0 = [[]] + guesses[...] }
    }
    func next(count: Int) async throws(CollabError) -> PartialDistribution {
        if ahead.withLock({ $0.isEmpty }) { asked.withLock { $0 += 1 } }
        return try await base.next(count: count)
    }
    func write(_ bytes: [UInt8]) async throws(CollabError) {
        ahead.withLock { ahead in
            ahead = ahead.dropFirst()
            if ahead.first != bytes { ahead = [] }
        }
        try await base.write(bytes)
    }
}
