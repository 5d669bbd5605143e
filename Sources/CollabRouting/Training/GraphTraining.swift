public import Collab

/// Learns what goes through the edges of a graph, by Adam; see ``GraphEstimator``.
///
/// In each batch the edges of its questions are hidden and foretold from all others, so that no edge is learned from
/// itself. The loss is BCE(score, q̂), a mean over the questions, summed over the models that were scored.
public struct GraphTraining: RouterTraining {
    /// How many tasks are found.
    public var tasks: Int
    /// How many hidden numbers a node has.
    public var hidden: Int
    /// How the steps are made.
    public var steps: AdamSettings

    /// Makes a training.
    public init(
        tasks: Int = 32,
        hidden: Int = 64,
        steps: AdamSettings = AdamSettings(epochs: 50, decay: 1e-4, patience: 5)
    ) {
        self.tasks = tasks
        self.hidden = hidden
        self.steps = steps
    }

    /// What the method and its settings are.
    public var name: String { "graph of \(tasks) tasks" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard (1...65_536).contains(tasks), (1...4096).contains(hidden) else {
            throw CollabError(
                .invalidRequest,
                "A graph needs 1 to 65,536 tasks and 1 to 4,096 hidden numbers."
            )
        }
        try steps.validate(for: "A graph")
        let vectors = unitRows(try set.features.dense(for: "A graph"))
        let objective = GraphObjective(
            vectors: vectors,
            scores: set.knownScores,
            clusters: try QuestionClusters(of: vectors, count: tasks, seed: seed),
            hidden: hidden
        )
        let found = try steps.minimize(
            objective,
            from: objective.start(seed: seed),
            seed: seed,
            progress: progress
        )
        progress(1)
        return objective.estimator(found)
    }
}

/// The loss of foretold edges.
struct GraphObjective: BatchObjective {
    let vectors: Table
    let scores: Table
    let clusters: QuestionClusters
    /// How much better each model did on a question than all did; 0 where nobody knows.
    private let edges: Table
    /// Σ edge · x and how many edges each model has.
    private let sums: [Float]
    private let counts: [Float]
    /// W_q, W_t, U, V, u and b.
    let question: MatrixPart
    let task: MatrixPart
    let message: MatrixPart
    let heard: MatrixPart
    let models: MatrixPart
    let biases: MatrixPart

    init(vectors: Table, scores: Table, clusters: QuestionClusters, hidden: Int) {
        self.vectors = vectors
        self.scores = scores
        self.clusters = clusters
        var edges = Table(rows: scores.rows, columns: scores.columns)
        var counts = [Float](repeating: 0, count: scores.columns)
        for row in 0..<scores.rows {
            let known = (0..<scores.columns).filter { !scores[row, $0].isNaN }
            let mean = known.reduce(Float(0)) { $0 + scores[row, $1] } / Float(max(known.count, 1))
            for model in known {
                edges[row, model] = scores[row, model] - mean
                counts[model] += 1
            }
        }
        self.edges = edges
        self.counts = counts
        sums = FeatureTable.dense(vectors).sums(weightedBy: edges.values, columns: scores.columns)
        let width = vectors.columns
        question = MatrixPart(rows: hidden, columns: width)
        task = MatrixPart(at: question.end, rows: hidden, columns: width)
        message = MatrixPart(at: task.end, rows: hidden, columns: hidden)
        heard = MatrixPart(at: message.end, rows: hidden, columns: width)
        models = MatrixPart(at: heard.end, rows: scores.columns, columns: hidden)
        biases = MatrixPart(at: models.end, rows: 1, columns: scores.columns)
    }

    var exampleCount: Int { vectors.rows }
    private var hidden: Int { question.rows }
    private var scale: Float { 1 / Float(hidden).squareRoot() }

    func start(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        var start: [Float] = []
        for part in [question, task, message, heard] {
            start += generator.layer(outputs: part.rows, inputs: part.columns)
        }
        for _ in models.range { start.append(Float(generator.nextNormal())) }
        return start + [Float](repeating: 0, count: models.rows)
    }

    /// What each model hears: the mean over its edges, without those of some questions.
    private func reports(without batch: ArraySlice<Int>) -> [Float] {
        let (width, count) = (vectors.columns, scores.columns)
        var result = sums
        var left = counts
        for place in batch {
            for model in 0..<count where !scores[place, model].isNaN {
                let edge = edges[place, model]
                left[model] -= 1
                for column in 0..<width {
                    result[model * width + column] -= edge * vectors.values[place * width + column]
                }
            }
        }
        for model in 0..<count {
            // Means are small beside what they are added to: the spread of a sum is as good a unit.
            let share = left[model] > 0 ? 1 / left[model].squareRoot() : 0
            for column in 0..<width { result[model * width + column] *= share }
        }
        return result
    }

    /// max(0, base + parameters · input) row by row.
    private func layer(
        _ input: [Float],
        _ inputs: MatrixPart,
        _ parameters: [Float],
        _ weights: MatrixPart,
        base: [Float]
    ) -> [Float] {
        var result = base
        let outputs = MatrixPart(rows: inputs.rows, columns: weights.rows)
        multiply(input, inputs, parameters, weights.transposed, into: &result, outputs, adding: true)
        for place in result.indices { result[place] = max(0, result[place]) }
        return result
    }

    func loss(
        _ parameters: [Float],
        on batch: ArraySlice<Int>,
        slope: inout [Float],
        _ generator: inout SeededGenerator?
    ) -> Double {
        let (width, count) = (vectors.columns, scores.columns)
        func zeros(_ rows: Int) -> [Float] { [Float](repeating: 0, count: rows * hidden) }
        // First round: models and the tasks of the batch.
        let told = reports(without: batch), modelInput = MatrixPart(rows: count, columns: width)
        let modelNodes = MatrixPart(rows: count, columns: hidden)
        let m = layer(told, modelInput, parameters, heard, base: Array(parameters[models.range]))
        let centres = batch.flatMap { clusters.centres.row(clusters.members[$0]) }
        let input = MatrixPart(rows: batch.count, columns: width)
        let nodes = MatrixPart(rows: batch.count, columns: hidden)
        let t = layer(centres, input, parameters, task, base: zeros(batch.count))
        // Second round: the questions.
        let questions = batch.flatMap { vectors.row($0) }
        var base = zeros(batch.count)
        multiply(t, nodes, parameters, message.transposed, into: &base, nodes)
        let h = layer(questions, input, parameters, question, base: base)
        let edgePart = MatrixPart(rows: batch.count, columns: count)
        var pull = [Float](repeating: 0, count: edgePart.end)
        multiply(h, nodes, m, modelNodes.transposed, into: &pull, edgePart)
        var value = 0.0
        for (row, place) in batch.enumerated() {
            for model in 0..<count {
                let score = scores[place, model]
                let sum = pull[row * count + model] * scale + parameters[biases.start + model]
                pull[row * count + model] = 0
                if score.isNaN { continue }
                value += logisticLoss(sum, target: min(max(score, 0), 1))
                let share = (logistic(sum) - min(max(score, 0), 1)) / Float(batch.count)
                slope[biases.start + model] += share
                pull[row * count + model] = share * scale
            }
        }
        // And back again.
        var toQuestion = zeros(batch.count), toModel = zeros(count), toTask = zeros(batch.count)
        multiply(pull, edgePart, m, modelNodes, into: &toQuestion, nodes)
        multiply(pull, edgePart.transposed, h, nodes, into: &toModel, modelNodes)
        for place in h.indices where h[place] <= 0 { toQuestion[place] = 0 }
        for place in m.indices where m[place] <= 0 { toModel[place] = 0 }
        multiply(toQuestion, nodes.transposed, questions, input, into: &slope, question, adding: true)
        multiply(toQuestion, nodes.transposed, t, nodes, into: &slope, message, adding: true)
        multiply(toQuestion, nodes, parameters, message, into: &toTask, nodes)
        for place in t.indices where t[place] <= 0 { toTask[place] = 0 }
        multiply(toTask, nodes.transposed, centres, input, into: &slope, task, adding: true)
        multiply(toModel, modelNodes.transposed, told, modelInput, into: &slope, heard, adding: true)
        for (place, part) in zip(models.range, toModel) { slope[place] += part }
        return value / Double(max(batch.count, 1))
    }

    func estimator(_ parameters: [Float]) -> GraphEstimator {
        let (width, count, tasks) = (vectors.columns, scores.columns, clusters.centres.rows)
        let m = layer(
            reports(without: []),
            MatrixPart(rows: count, columns: width),
            parameters,
            heard,
            base: Array(parameters[models.range])
        )
        let taskNodes = MatrixPart(rows: tasks, columns: hidden)
        let t = layer(
            clusters.centres.values,
            MatrixPart(rows: tasks, columns: width),
            parameters,
            task,
            base: [Float](repeating: 0, count: taskNodes.end)
        )
        var messages = [Float](repeating: 0, count: taskNodes.end)
        multiply(t, taskNodes, parameters, message.transposed, into: &messages, taskNodes)
        return GraphEstimator(
            tasks: clusters.centres,
            taskMessages: Table(columns: hidden, values: messages),
            questionWeights: Table(columns: width, values: Array(parameters[question.range])),
            models: Table(columns: hidden, values: m.map { $0 * scale }),
            biases: Array(parameters[biases.range])
        )
    }
}

extension RouterTraining where Self == GraphTraining {
    /// A graph of tasks, models and questions; see ``GraphEstimator``.
    public static func graph(tasks: Int = 32) -> GraphTraining { GraphTraining(tasks: tasks) }
}
