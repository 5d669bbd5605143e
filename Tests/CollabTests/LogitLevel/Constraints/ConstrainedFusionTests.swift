import CollabTesting
import Testing

@testable import Collab

/// The expert finds what the constraints demand much less probable than a tenth of its favourite, so every mask that goes
/// by its favourite leaves it out.
@Suite("Constraints around masked fusions")
struct ConstrainedFusionTests {
    private static let vocabulary = ["x", "y", "z"]
    private static let expert = ScriptedLogitModel("expert", vocabulary: vocabulary) { _ in
        ["x": 0.9, "y": 0.06, "z": 0.03, ScriptedLogitModel.end: 0.01]
    }
    private static let amateur = ScriptedLogitModel("amateur", vocabulary: vocabulary) { _ in
        ["x": 0.5, "y": 0.2, "z": 0.25, ScriptedLogitModel.end: 0.05]
    }
    private static let masked = FusedModel(nil, .contrastive(), members: [expert, amateur])

    private static func write(
        _ model: some LogitModel,
        _ constraint: Constraint,
        _ options: GenerationOptions = GenerationOptions()
    ) async throws -> Response {
        try await model.constrained(to: constraint).respond(to: .completion("x", options: options))
    }

    /// A masked fusion, wrapped in everything that shows logits.
    private static func wrapped(_ kind: String) throws -> any LogitModel {
        let model = masked
        let polite = ClosureClassifier("polite") { _ in 0.5 }
        switch kind {
        case "alone": return model
        case "guesses": return model.speculating(with: PromptLookup(), length: .fixed(2))
        case "turns": return model.alternating(.fixed(2))
        case "turns with guesses": return model.alternating().speculating(with: ModelProposer(expert))
        case "processor": return model.processed(by: TokenBias([0: -1]))
        case "constraint": return model.constrained(to: try .regularExpression("[yz]*"))
        case "classifier": return model.steered(by: polite)
        case "role": return model.role("careful")
        case "name": return model.named("other").sampling(.greedy)
        case "product": return FusedModel(nil, .productOfExperts, members: [model, amateur])
        case "mixture": return FusedModel(nil, .mixture, members: [model, model.role("twin")])
        case "roles": return FusedModel(nil, .contrastive(), members: [model.role("a"), amateur.role("b")])
        case "formula": return (1.5 * expert - 0.5 * amateur).speculating(with: PromptLookup())
        case "cascade": return TokenCascade(model, model.role("large"), deferring: .chow(0.2))
        case "replicas":
            return Replicas("pool") {
                model
                model.role("twin")
            }
        case "union": return FuseUnion(.contrastive(), members: [expert, amateur])
        case "fusion in a union": return FuseUnion(.mixture, members: [model, model.role("twin")])
        case "bytes":
            return FuseBytes(.contrastive()) {
                expert
                amateur
            }
        default: return ByteModel(model)
        }
    }

    @Test(
        "a constraint reaches the mask through whatever the fusion is wrapped in",
        arguments: [
            "alone", "guesses", "turns", "turns with guesses", "processor", "constraint", "classifier",
            "role",
            "name", "product", "mixture", "roles", "formula", "cascade", "replicas", "union",
            "fusion in a union", "bytes", "bytes of a fusion",
        ]
    )
    func wrappers(kind: String) async throws {
        for (text, sampling) in [("zyz", Sampling.greedy), ("y", .temperature(1))] {
            let options = GenerationOptions(sampling: sampling, seed: 1)
            let constraint = try Constraint.choices([text])
            let response = try await Self.write(try Self.wrapped(kind), constraint, options)
            #expect(response.text == text && response.ending == .finished)
        }
    }

    @Test("bytes come from the fusion that knows of its constraints, also where nobody decodes it")
    func knownBytes() async throws {
        guard let fused = try Self.wrapped("bytes") as? FuseBytes<Team<LogitAccess>> else {
            Issue.record("no bytes")
            return
        }
        let knowing = fused.informed(of: try .choices(["zyz"]))
        var texts: Set<String> = []
        for seed in 0..<20 as Range<UInt64> {
            let options = GenerationOptions(maximumTokens: 6, sampling: .temperature(8), seed: seed)
            let request = Request(.completion("x"), options: options)
            let written = try await knowing.respond(to: request)
            let decoded = try await knowing.processed(by: TokenBias([:])).respond(to: request)
            #expect(written.text == decoded.text)
            texts.insert(written.text)
        }
        // What the mask alone would have left out is among them.
        #expect(texts.contains { $0.contains("z") })
    }

    private static let masks: [Fusion] = [
        .contrastive(), .safeDecoding(common: 1), .sharedTop(1),
        Fusion.mixture.masked(by: .plausibility(alpha: 0.5, of: .member(0))),
        Fusion.mixture.masked(by: .plausibility(alpha: 0.7, of: .any)),
        Fusion.mixture.masked(by: .plausibility(alpha: 0.5, of: .all)),
        Fusion.productOfExperts.masked(by: .nucleus(topP: 0.8, of: 0)),
        Fusion.productOfExperts.scheduled(.steps([3])),
    ]

    @Test("every mask leaves some of what is allowed, and nothing changes where it does so by itself")
    func everyMask() async throws {
        for fusion in Self.masks {
            let fused = FusedModel(nil, fusion, members: [Self.expert, Self.amateur])
            for model in [fused, fused.alternating(.fixed(1))] as [any LogitModel] {
                #expect(try await Self.write(model, try .choices(["zy"])).text == "zy", "\(fusion)")
            }
            let options = GenerationOptions(maximumTokens: 1)
            let free = try await fused.respond(to: .completion("x", options: options))
            let held = try await Self.write(fused, try .regularExpression(".+"), options)
            #expect(held.text == free.text, "\(fusion)")
        }
        let classes = FusedModel(
            nil,
            .classConditional(strength: 2),
            members: [Self.expert, Self.amateur, Self.expert.role("other")]
        )
        #expect(try await Self.write(classes, try .choices(["zyz"])).text == "zyz")
    }

    /// By hand: 1.5 log 0.06 − 0.5 log 0.2 against 1.5 log 0.03 − 0.5 log 0.25; and for a mixture of the members' own
    /// distributions 0.13 against 0.14.
    @Test("what is allowed keeps the proportions that the rule gives it")
    func proportions() async throws {
        let constraint = try Constraint.choices(["y", "z"])
        let contrastive = try await Self.write(Self.masked, constraint)
        let share = pow(0.06 / 0.03, 1.5) * pow(0.2 / 0.25, -0.5)
        #expect(contrastive.text == "y")
        #expect(abs(try #require(contrastive.tokens)[0].logprob - log(share / (1 + share))) < 1e-5)
        let shared = FusedModel(nil, .sharedTop(1), members: [Self.expert, Self.amateur])
        let mixture = try await Self.write(shared, constraint)
        #expect(mixture.text == "z")
        #expect(abs(try #require(mixture.tokens)[0].logprob - log(0.14 / 0.27)) < 1e-5)
    }

    @Test("decoders can be forked and taken back, and a forbidden guess is forgotten")
    func decoders() async throws {
        let informed = Self.masked.informed(of: try .choices(["yzy"]))
        for model in [informed, informed.alternating(.fixed(1))] as [any LogitModel] {
            let start = try await model.startDecoding(.completion("x"))
            #expect(start.logits[1] > -.infinity && start.logits[2] == -.infinity)
            let after = try await start.decoder.append(1)
            #expect(after[2] > -.infinity && after[1] == -.infinity)
            let fork = try await start.decoder.fork()
            // What is forbidden can be read, and the mask is as it is without a constraint.
            #expect(try await fork.append(0).values.filter { $0 > -.infinity }.count == 1)
            try await fork.truncate(to: 2)
            #expect(try await fork.append(2)[1] > -.infinity)
            #expect(try await start.decoder.append([2, 1], logits: .all)[0][1] > -.infinity)
        }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
