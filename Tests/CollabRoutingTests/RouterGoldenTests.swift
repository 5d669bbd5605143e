import Collab
import CollabKernels
import Testing

@testable import CollabRouting

/// The same questions and scores in scikit-learn.
@Suite("Learned routers", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct RouterGoldenTests {
    private func set() throws -> TrainingSet {
        try TrainingSet(
            features: .dense(RouterGoldens.questions),
            models: ["a", "b"],
            scores: RouterGoldens.scores
        )
    }

    private func expect(
        _ estimator: any QualityEstimator,
        _ golden: Table,
        within tolerance: Float,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try estimator.qualities(of: .dense(RouterGoldens.probes))
        #expect(found.rows == golden.rows && found.columns == golden.columns, sourceLocation: location)
        for (a, b) in zip(found.values, golden.values) {
            #expect(abs(a - b) < tolerance, sourceLocation: location)
        }
    }

    @Test("by ridge regression estimate what Ridge does")
    func ridge() throws {
        try expect(RidgeTraining(penalty: 1.5).train(on: set()), RouterGoldens.ridge, within: 1e-5)
    }

    @Test("by logistic regression on soft scores estimate what LogisticRegression does with weights")
    func logistic() throws {
        try expect(LogisticTraining(penalty: 0.7).train(on: set()), RouterGoldens.logistic, within: 1e-4)
    }

    @Test("by neighbours estimate what KNeighborsRegressor does with cosines")
    func neighbours() throws {
        try expect(NeighbourTraining(neighbours: 5).train(on: set()), RouterGoldens.neighbours, within: 1e-5)
    }

    @Test("go through the layers of a network as MLPRegressor does")
    func network() throws {
        let layers = [
            (RouterGoldens.weights1, RouterGoldens.biases1), (RouterGoldens.weights2, RouterGoldens.biases2),
            (RouterGoldens.weights3, RouterGoldens.biases3),
        ]
        let network = PerceptronEstimator(
            layers: layers.map { .init(weights: $0, biases: $1.values) },
            isLogistic: false
        )
        try expect(network, RouterGoldens.network, within: 1e-5)
    }

    @Test("put questions into the clusters of KMeans")
    func clusters() throws {
        let vectors = unitRows(RouterGoldens.questions)
        let found = try QuestionClusters(of: vectors, from: vectors.selecting([0, 1, 2]))
        #expect(found.members == RouterGoldens.clusters)
    }

    @Test("project questions on the axes of PCA, up to their signs and lengths")
    func axes() throws {
        let found = try PrincipalAxes(of: RouterGoldens.questions, count: 2).axes
        for axis in 0..<2 {
            let row = found.row(axis)
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let dot = zip(row, RouterGoldens.axes.row(axis)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            #expect(abs(abs(dot / length) - 1) < 1e-5)
        }
    }
}
