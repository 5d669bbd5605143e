import Collab
import CollabKernels
import CollabRouting
import Testing

@Suite("Logistic regression", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct LogisticTests {
    /// Twelve points of two features, with soft targets.
    static let rows: [[Float]] = [
        [0.1, 0.9], [0.4, 0.2], [0.8, 0.5], [0.3, 0.7], [0.9, 0.1], [0.6, 0.6],
        [0.2, 0.3], [0.7, 0.8], [0.5, 0.4], [0.05, 0.55], [0.95, 0.65], [0.35, 0.15],
    ]
    static let targets: [Float] = [0, 0.5, 1, 0, 1, 0.75, 0, 1, 0.5, 0, 1, 0.25]

    @Test("stands where the slope of the loss is zero")
    func optimum() throws {
        let set = try TrainingSet(
            features: .dense(Table(Self.rows)),
            models: ["a"],
            scores: Table(Self.targets.map { [$0] })
        )
        let estimator = try #require(try LogisticTraining(penalty: 0.5).train(on: set) as? LinearEstimator)
        let found = try estimator.qualities(of: set.features).values
        // The equations of the optimum: Σ (p − y) = 0 and Σ (p − y) x + λ w = 0.
        let residuals = zip(found, Self.targets).map { $0 - $1 }
        #expect(abs(residuals.reduce(0, +)) < 1e-4)
        for column in 0..<2 {
            let slope = zip(residuals, Self.rows).reduce(Float(0)) { $0 + $1.0 * $1.1[column] }
            #expect(abs(slope + 0.5 * estimator.weights[0, column]) < 1e-4)
        }
        let sparse = Self.rows.map { SparseVector([0: $0[0], 1: $0[1]]) }
        let few = try TrainingSet(
            features: .sparse(sparse, buckets: 2),
            models: ["a"],
            scores: Table(Self.targets.map { [$0] })
        )
        let same = try LogisticTraining(penalty: 0.5).train(on: few).qualities(of: few.features).values
        for (x, y) in zip(found, same) { #expect(abs(x - y) < 1e-4) }
    }

    @Test("a program's own outcomes are learned from, each member once an answer")
    func outcomes() {
        let choice = RoutingOutcome.Choice(place: "cascade", choice: "small")
        var data = RoutingData()
        data.add([
            RoutingOutcome(
                id: "1",
                request: "q",
                decision: choice,
                members: [.init(name: "small", quality: 0), .init(name: "large", quality: 1)]
            ),
            RoutingOutcome(
                id: "1",
                request: "q",
                decision: choice,
                members: [.init(name: "small", quality: 0)]
            ),
            RoutingOutcome(id: "2", request: "q", decision: choice, outcome: .init(quality: 1)),
            RoutingOutcome(id: "3", request: "r", decision: choice),
            // Whom to keep and which answer won are no decisions whom to ask.
            RoutingOutcome(
                id: "4",
                request: "s",
                decision: .init(place: "keep local", choice: "everybody"),
                outcome: .init(quality: 1)
            ),
            RoutingOutcome(
                id: "4",
                request: "s",
                decision: .init(place: "vote", choice: "42"),
                scores: ["42": 2, "41": 1],
                outcome: .init(quality: 1)
            ),
            // The last member's answer, which nobody accepted, and which was judged later.
            RoutingOutcome(
                id: "5",
                request: "q",
                decision: .init(place: "cascade", choice: "large (not accepted)", asked: "large"),
                outcome: .init(quality: 0)
            ),
        ])
        #expect(data.questions == ["q"])
        #expect(data.models == ["small", "large"])
        #expect(data.scores[0, 0] == 0.5 && data.scores[0, 1] == 0.5)
    }
}
