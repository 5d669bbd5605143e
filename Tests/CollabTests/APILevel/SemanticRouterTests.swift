import Collab
import Testing

@Suite("Semantic routes")
struct SemanticRouterTests {
    /// Vectors that are written into the texts: "0.6 0.8".
    private struct Written: EmbeddingModel {
        let name = "written"
        let dimension = 2
        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            texts.map { $0.split(separator: " ").compactMap { Float($0) } }
        }
    }

    static let candidates = ["east", "north"].map { RouteCandidate(name: $0) }

    private func router(
        _ east: Double,
        _ north: Double,
        _ aggregation: SemanticRouter.Aggregation = .mean
    ) async throws -> SemanticRouter {
        try await SemanticRouter(
            [
                SemanticRoute("east", threshold: east, examples: ["1 0", "0.8 0.6", "0 -1"]),
                SemanticRoute("north", threshold: north, examples: ["0 1"]),
            ],
            embeddedBy: Written(),
            nearest: 2,
            aggregation: aggregation
        )
    }

    @Test(
        "score by the nearest examples of each",
        arguments: [(SemanticRouter.Aggregation.mean, 0.9), (.highest, 1), (.sum, 1.8)]
    )
    func aggregation(_ aggregation: SemanticRouter.Aggregation, _ expected: Double) async throws {
        // The cosines of (1, 0) with the three examples are 1, 0.8 and 0; the two nearest count.
        let scores = try await router(0, 0, aggregation).scores(for: "1 0")
        #expect(abs(try #require(scores["east"] ?? nil) - expected) < 1e-6)
        #expect(scores["north"] == 0)
    }

    @Test(
        "choose the highest of those that reach their own thresholds, or none, and tell all scores (semantic-router#590)"
    )
    func thresholds() async throws {
        let request = Request("0.6 0.8")
        // East (0.96 + 0.6) ∕ 2 = 0.78, north 0.8.
        let open = try await router(0.5, 0.5).route(request, among: Self.candidates)
        #expect(open.choice == 1 && open.threshold == 0.5)
        let high = try await router(0.5, 0.9).route(request, among: Self.candidates)
        #expect(high.choice == 0)
        #expect(
            high.reason.contains("east has the highest similarity") && high.reason.contains("0.78 of 0.5")
        )
        let shut = try await router(0.9, 0.9).route(request, among: Self.candidates)
        #expect(shut.choice == nil)
        #expect(shut.reason.contains("the nearest is north with 0.8 of 0.9"))
        #expect(shut.scores.compactMap { $0 }.count == 2)
    }

    @Test("ask for candidates that they know")
    func stranger() async throws {
        let router = try await router(0, 0)
        let error = try await #require(throws: CollabError.self) {
            try await router.route(Request("1 0"), among: [RouteCandidate(name: "east")])
        }
        #expect(error.code == .invalidRequest && error.message.contains("“north”"))
    }

    @Test("learn thresholds from labels, and show what still goes elsewhere")
    func fitting() async throws {
        let labels: [SemanticRouter.Label] = [
            .init("1 0", route: "east"), .init("0.9 0.44", route: "east"),
            .init("0 1", route: "north"), .init("-0.1 0.99", route: "north"),
            // Near to north, but of no kind; and one that no threshold can get right.
            .init("-0.6 0.8", route: nil), .init("-0.5 0.86", route: nil), .init("1 0", route: nil),
        ]
        let (fitted, fit) = try await router(0, 0).fitted(to: labels)
        #expect(abs(fit.accuracyBefore - 4.0 / 7) < 1e-12)
        #expect(abs(fit.accuracy - 6.0 / 7) < 1e-12)
        // Between 0.86 and 0.99, in the middle of the gap.
        #expect(abs(try #require(fit.thresholds["north"]) - 0.925) < 1e-6)
        #expect(fitted.thresholds == fit.thresholds)
        #expect(
            fitted.facts == ["labels": "7", "accuracy on them": "0.8571", "accuracy before": "0.5714"]
        )
        #expect(fit.mistakes.map(\.label) == [labels[6]])
        #expect(fit.mistakes[0].chosen == "east")
        #expect(try await fitted.route(Request("-0.6 0.8"), among: Self.candidates).choice == nil)
        var other = try await router(0, 0)
        other.thresholds = fit.thresholds
        #expect(other.thresholds == fit.thresholds)
        await #expect(throws: CollabError.self) {
            try await other.fitted(to: [.init("1 0", route: "west")])
        }
        await #expect(throws: CollabError.self) { try await other.fitted(to: []) }
    }

    @Test("are not made of vectors that do not fit the examples")
    func incomplete() async throws {
        struct Forgetful: EmbeddingModel {
            let name = "forgetful"
            let dimension = 2
            func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
                texts.dropLast().map { _ in [1, 0] }
            }
        }
        let error = await #expect(throws: CollabError.self) {
            try await SemanticRouter(
                [SemanticRoute("a", examples: ["b", "c"])],
                embeddedBy: Forgetful()
            )
        }
        #expect(error?.code == .malformedResponse)
    }

    @Test("know words without any model")
    func words() async throws {
        let router = SemanticRouter([
            SemanticRoute(
                "arithmetic",
                threshold: 0.1,
                examples: ["What is 3 + 4?", "Compute 12 * 9.", "How much is 100 - 37?"]
            ),
            SemanticRoute(
                "facts",
                threshold: 0.1,
                examples: ["Who wrote Faust?", "What is the capital of Peru?", "Where is Mount Etna?"]
            ),
        ])
        let candidates = ["facts", "arithmetic"].map { RouteCandidate(name: $0) }
        #expect(try await router.route(Request("Who wrote Emma?"), among: candidates).choice == 0)
        #expect(try await router.route(Request("Compute 6 * 7"), among: candidates).choice == 1)
        #expect(try await router.route(Request("Жизнь прекрасна"), among: candidates).choice == nil)
    }
}
