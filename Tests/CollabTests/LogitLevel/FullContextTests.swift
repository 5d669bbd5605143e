import Testing

@testable import Collab

/// One vocabulary has the token “bc”, the other only its letters, so that a text takes twice as many tokens of one member
/// as of the other.
@Suite("Contexts that are full in the midst of an answer")
struct FullContextTests {
    private static let wordy = ToyModel("wordy", ToyTokenizer(["bc", "a"]), always: [9, 0, 0])
    private static func spelling(_ contextLength: Int) -> ToyModel {
        var model = ToyModel("spelling", ToyTokenizer(["a", "b", "c"]), always: [0, 1, 0, 0])
        model.contextLength = contextLength
        return model
    }
    private let request = Request(.completion("a"), options: GenerationOptions(maximumTokens: 20))

    @Test("an answer across vocabularies ends as at its limit, with what has been written")
    func union() async throws {
        let together = FuseUnion(.mixture, members: [Self.wordy, Self.spelling(4)])
        let response = try await together.respond(to: request)
        // a, b, c, and no room for another b and c.
        #expect(response.text == "bcbc" && response.ending == .tokenLimit)
        #expect(response.tokens?.count == 2 && response.usage.completionTokens == 2)
        let speculating = together.speculating(with: PromptLookup(), length: .fixed(2))
        #expect(try await speculating.respond(to: request).text == "bcbc")
    }

    @Test("an answer that its writers take turns at ends as at its limit, whoever is full")
    func switching() async throws {
        func write(_ rule: SwitchRule, _ members: [any LogitModel]) async throws -> Response {
            try await SwitchingModel(rule, members: members).respond(to: request)
        }
        let inTurn = try await write(.patches(of: 1), [Self.wordy, Self.spelling(5)])
        #expect(inTurn.text == "bcbbc" && inTurn.ending == .tokenLimit)
        let confident = try await write(.patches(of: 2, by: .mostConfident), [Self.wordy, Self.spelling(6)])
        #expect(confident.text == "bcbcbcbc" && confident.ending == .tokenLimit)
        // A writer whose own context is full has not finished either.
        let alone = try await write(.patches(of: 5), [Self.spelling(4)])
        #expect(alone.text == "bbbb" && alone.ending == .tokenLimit)
    }

    @Test("beams that are full are answers")
    func beams() async throws {
        let together = FuseUnion(.mixture, members: [Self.wordy, Self.spelling(4)])
        let response = try await together.searchingBeams(BeamSearch(width: 1)).respond(to: request)
        #expect(response.text == "bcbc" && response.ending == .tokenLimit)
    }

    /// A server that is told what is written, and says when it is asked that it has no room for it, or for guesses.
    private struct Server: TopLogprobModel {
        var name: String { "server" }
        var room: Int
        func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
            throw CollabError(.unsupported, "It only lists.")
        }
        func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer {
            Listing(room: room)
        }

        final class Listing: TopLogprobAnswer {
            let room: Int
            let written = Protected(0)
            init(room: Int) { self.room = room }
            var usage: Usage { Usage(calls: 1) }
            private func check(_ count: Int) throws(CollabError) {
                if written.withLock({ $0 }) + count > room {
                    throw CollabError(.contextOverflow, "It is full.")
                }
            }
            func next(count: Int) async throws(CollabError) -> PartialDistribution {
                try check(0)
                return PartialDistribution(
                    [PartialDistribution.Entry(bytes: Array("b".utf8), logprob: -0.1)],
                    isWhole: true
                )
            }
            func write(_ bytes: [UInt8]) async throws(CollabError) { written.withLock { $0 += bytes.count } }
            func foresee(_ guesses: [[UInt8]], count: Int) async throws(CollabError) {
                try check(guesses.joined().count)
            }
        }
    }

    @Test("a server that is full ends the answer, and one without room for guesses does without")
    func servers() async throws {
        let members: [any TopLogprobModel] = [Server(room: 6), TopsOfLogits(Self.spelling(64))]
        let response = try await PartialFusion(.mixture, members: members).respond(to: request)
        // Six are read, and the seventh need not be.
        #expect(response.text == "bbbbbbb" && response.ending == .tokenLimit)
        let full = PartialFusion(.mixture, members: [Server(room: -1), TopsOfLogits(Self.spelling(64))])
        let error = await #expect(throws: CollabError.self) { try await full.respond(to: request) }
        #expect(error?.code == .contextOverflow)
    }

    @Test("a prompt that does not fit is an error, as before")
    func prompts() async throws {
        let long = Request(.completion("aaaaa"))
        let members: [any LogitModel] = [Self.wordy, Self.spelling(4)]
        for model in [
            FuseUnion(.mixture, members: members), SwitchingModel(.patches(of: 1), members: members),
        ]
            as [any TextModel]
        {
            let error = await #expect(throws: CollabError.self) { try await model.respond(to: long) }
            #expect(error?.code == .contextOverflow)
        }
    }
}
