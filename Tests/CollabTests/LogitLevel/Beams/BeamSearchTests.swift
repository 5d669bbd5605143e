import CollabTesting
import Testing

@testable import Collab

@Suite("Beam search")
struct BeamSearchTests {
    /// The distribution follows from all tokens so far as chance would have it.
    private static let chance = ToyModel("chance") { tokens in
        var hash: UInt64 = 11
        for token in tokens { hash = (hash ^ UInt64(token + 1)) &* 0x100_0000_01b3 }
        var generator = SeededGenerator(seed: hash)
        return (0..<5).map { _ in Float(generator.nextUnit()) * 3 }
    }

    private static func request(_ limit: Int, stops: [String] = []) -> Request {
        Request(.completion("a"), options: GenerationOptions(maximumTokens: limit, stopSequences: stops))
    }

    /// All answers of at most so many tokens with their log-probabilities, by trying them.
    private static func allAnswers(_ limit: Int) -> [(tokens: [TokenID], logprob: Double, length: Int)] {
        var (answers, beginnings) = (
            [(tokens: [TokenID], logprob: Double, length: Int)](), [([TokenID](), 0.0)]
        )
        for length in 1...limit {
            var longer: [([TokenID], Double)] = []
            for (tokens, logprob) in beginnings {
                let row = Logits(chance.next([0] + tokens))
                answers.append((tokens, logprob + row.logprob(of: 4), length))
                for token in 0..<4 as Range<TokenID> {
                    longer.append((tokens + [token], logprob + row.logprob(of: token)))
                }
            }
            beginnings = longer
        }
        return answers + beginnings.map { ($0.0, $0.1, limit) }
    }

    @Test("a beam as wide as the tree finds the best of all answers", arguments: [0, 0.5, 1, 2])
    func exhaustive(_ penalty: Double) async throws {
        let search = BeamSearch(width: 64, lengthPenalty: penalty, stopping: .whenImpossible)
        let beams = try await Self.chance.beams(search, for: Self.request(3))
        func power(_ length: Int) -> Double {
            penalty == 0.5
                ? Double(length).squareRoot()
                : penalty == 2 ? Double(length * length) : penalty == 1 ? Double(length) : 1
        }
        let best = Self.allAnswers(3).map { ($0.tokens, $0.logprob / power($0.length)) }.sorted {
            $0.1 > $1.1
        }
        for (beam, answer) in zip(beams.prefix(5), best) {
            #expect(beam.tokens == answer.0)
            #expect(abs(beam.score - answer.1) < 1e-5)
        }
        #expect(beams.count == 64)
    }

    @Test("one beam is greedy decoding")
    func greedy() async throws {
        let plain = try await Self.chance.respond(to: Self.request(8))
        let beams = try await Self.chance.beams(BeamSearch(width: 1), for: Self.request(8))
        #expect(beams.map(\.text) == [plain.text] && beams[0].ending == plain.ending)
    }

    @Test("beams end at a stop sequence, which is not shown")
    func stops() async throws {
        let model = ToyModel("abc", writing: "abcd", margin: 6)
        let beams = try await model.beams(BeamSearch(width: 2), for: Self.request(8, stops: ["c"]))
        #expect(beams[0].text == "ab" && beams[0].ending == .finished)
    }

    @Test("beams of a constrained fusion keep to the constraint, and beat greedy decoding")
    func constrained() async throws {
        // b looks better at first, and leads to what is improbable.
        let model = ToyModel("garden") { tokens in
            switch tokens.last {
            case 1: logs(0.1, 0.1, 0.15, 0.15, 0.5)
            case 0: logs(0.02, 0.02, 0.92, 0.02, 0.02)
            case 2: logs(0.02, 0.02, 0.02, 0.02, 0.92)
            default: logs(0.4, 0.5, 0.04, 0.03, 0.03)
            }
        }
        let request = Request(.completion("d"), options: GenerationOptions(maximumTokens: 4))
        let fused = FusedModel(nil, .mixture, members: [model, model])
            .constrained(to: try .regularExpression("[abc]{2}"))
        #expect(try await fused.respond(to: request).text == "bc")
        let response = try await fused.searchingBeams(BeamSearch(width: 3)).respond(to: request)
        #expect(response.text == "ac" && response.ending == .finished)
        for beam in try await fused.beams(BeamSearch(width: 3), for: request) {
            #expect(beam.text.count == 2)
        }
    }

    @Test("rules that make no sense are refused")
    func refusals() async throws {
        for search in [BeamSearch(width: 0), BeamSearch(width: 1000), BeamSearch(lengthPenalty: .nan)] {
            let error = await #expect(throws: CollabError.self) {
                try await Self.chance.beams(search, for: Self.request(3))
            }
            #expect(error?.code == .invalidRequest)
        }
    }
}
