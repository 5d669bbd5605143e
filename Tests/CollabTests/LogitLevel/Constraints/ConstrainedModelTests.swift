import CollabTesting
import Testing

@testable import Collab

@Suite("Constrained models")
struct ConstrainedModelTests {
    /// Prefers to say what nobody asked for.
    private static let chatty = ScriptedLogitModel(
        "chatty",
        vocabulary: ["Well", " ", "y", "e", "s", "es", "no", "n", "o", "1", "2", "12", "."]
    ) { prefix in
        ["Well": 0.5, " ": 0.1, "y": 0.08, "es": 0.06, "no": 0.05, "1": 0.05, "2": 0.04, "12": 0.03]
            .merging([ScriptedLogitModel.end: prefix.hasSuffix("s") ? 0.5 : 0.01, "e": 0.02, "s": 0.02]) {
                $1
            }
    }

    private static func write(
        _ model: some LogitModel,
        _ options: GenerationOptions = GenerationOptions()
    ) async throws -> Response {
        try await model.respond(to: Request("Is it?", options: options))
    }

    @Test("an answer is one of the choices, the one that the model prefers along the way")
    func choices() async throws {
        #expect(try await Self.write(Self.chatty, GenerationOptions(maximumTokens: 2)).text == "WellWell")
        let constrained = Self.chatty.constrained(to: try .choices(["no", "yes", "yes."]))
        #expect(constrained.name == "chatty with a choice of 3")
        let response = try await Self.write(constrained)
        #expect(response.text == "yes" && response.ending == .finished)
        // y (0.08) against no (0.05): n has no probability of its own; then es (0.06) against e (0.02).
        let logprobs = try #require(response.tokens).map(\.logprob)
        #expect(abs(logprobs[0] - log(0.08 / 0.13)) < 1e-5)
        #expect(abs(logprobs[1] - log(0.06 / 0.08)) < 1e-5)
    }

    @Test("an answer matches an expression, whatever is sampled")
    func expressions() async throws {
        let constraint = try Constraint.regularExpression(#"[12]{3,5}(\.[12])?"#)
        let constrained = Self.chatty.constrained(to: constraint)
        var answers = Set<String>()
        for seed in 0..<50 as Range<UInt64> {
            let options = GenerationOptions(sampling: .temperature(1), seed: seed)
            let text = try await Self.write(constrained, options).text
            answers.insert(text)
            #expect(try constraint.allows(text))
            #expect(text.wholeMatch(of: /[12]{3,5}(\.[12])?/) != nil)
        }
        #expect(answers.count > 10)
    }

    @Test("white space that a constraint demands is kept, in a dialogue too")
    func whitespace() async throws {
        let constrained = Self.chatty.constrained(to: try .choices([" no"]))
        #expect(try await Self.write(constrained).text == " no")
    }

    @Test("an answer that ends too early is an error with what there is")
    func unfinished() async throws {
        let constrained = Self.chatty.constrained(to: try .regularExpression("1{4,}"))
        for (options, ending) in [
            (GenerationOptions(maximumTokens: 3), Response.Ending.tokenLimit),
            (GenerationOptions(stopSequences: ["1111"]), .finished),
        ] {
            let error = await #expect(throws: CollabError.self) { try await Self.write(constrained, options) }
            #expect(error?.code == .unfinishedAnswer)
            let partial = try #require(error?.cause as? UnfinishedAnswer)
            #expect(partial.ending == ending)
            #expect(partial.text == (ending == .tokenLimit ? "111" : ""))
        }
        // A limit that is reached with a whole answer is none.
        let whole = try await Self.write(constrained, GenerationOptions(maximumTokens: 4))
        #expect(whole.text == "1111" && whole.ending == .tokenLimit)
    }

    @Test("a demand that the vocabulary cannot spell is an error, at once or on the way")
    func unspellable() async throws {
        for text in ["x", "yx"] {
            let constrained = Self.chatty.constrained(to: try .choices([text]))
            let error = await #expect(throws: CollabError.self) { try await Self.write(constrained) }
            #expect(error?.code == .nothingToSample)
        }
    }

    @Test("a constraint holds for a fusion, and beneath it, and beside other processors")
    func fused() async throws {
        let constraint = try Constraint.regularExpression("(no|yes|12)+")
        let (a, b) = (Self.chatty, Self.chatty.processed(by: TokenBias([2: -2])))
        let fused = FuseLogits(.productOfExperts) {
            a
            b
        }
        let options = GenerationOptions(maximumTokens: 12, sampling: .temperature(1.2), seed: 3)
        let outside = try await Self.write(fused.constrained(to: constraint), options)
        let inside = try await Self.write(
            FuseLogits(.productOfExperts) {
                a.constrained(to: constraint)
                b.constrained(to: constraint)
            },
            options
        )
        #expect(try constraint.allows(outside.text))
        #expect(inside.text == outside.text && !inside.text.isEmpty)
    }

    @Test("guesses do not change a constrained answer, above or beneath the constraint")
    func speculation() async throws {
        let constraint = try Constraint.regularExpression(#"((yes|no|12) ?)+\."#)
        let model = ScriptedLogitModel("even", vocabulary: Self.chatty.vocabulary.texts) { prefix in
            var hash: UInt64 = 7
            for byte in prefix.utf8.suffix(3) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            var generator = SeededGenerator(seed: hash)
            var script: [String: Double] = [ScriptedLogitModel.end: 0.05]
            for text in Self.chatty.vocabulary.texts { script[text] = generator.nextUnit() + 0.01 }
            return script
        }
        let plain = model.constrained(to: constraint)
        for seed in 0..<20 as Range<UInt64> {
            let options = GenerationOptions(sampling: .temperature(seed % 2 == 0 ? 1 : 0), seed: seed)
            let expected: Response
            do { expected = try await Self.write(plain, options) } catch { continue }
            for proposer in [ModelProposer(model), ModelProposer(plain), ModelProposer(Self.chatty)] {
                let beneath = model.speculating(with: proposer, length: .fixed(3)).constrained(to: constraint)
                let above = plain.speculating(with: proposer, length: .fixed(3))
                #expect(try await Self.write(beneath, options).tokens == expected.tokens)
                #expect(try await Self.write(above, options).tokens == expected.tokens)
            }
        }
    }

    @Test("decoders can be forked and taken back")
    func forks() async throws {
        let constrained = Self.chatty.constrained(to: try .choices(["yes", "no"]))
        let ids = { (text: String) in try Self.chatty.vocabulary.encode(text, parsingSpecialTokens: false) }
        let (y, es, no) = (try ids("y")[0], try ids("es")[0], try ids("no")[0])
        let end = Self.chatty.vocabulary.end
        let decoder = try await constrained.startDecoding(Request("?")).decoder
        let start = decoder.position
        let fork = try await decoder.fork()
        #expect(try await decoder.append([y, es], logits: .last)[0][end] > -.infinity)
        #expect(try await fork.append(no)[end] > -.infinity)
        let error = await #expect(throws: CollabError.self) { try await fork.append(y) }
        #expect(error?.code == .invalidRequest)
        try await decoder.truncate(to: start + 1)
        #expect(try await decoder.append(es)[y] == -.infinity)
    }
}

private func log(_ value: Double) -> Double { Double(logs(Float(value))[0]) }
