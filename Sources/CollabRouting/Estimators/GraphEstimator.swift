public import Collab

/// A graph of tasks, models and the question, through whose edges messages go.
///
/// Tasks are clusters of questions; where the graph has no tasks of its own, they are found. An edge between a model and
/// a question that was answered carries how much better the model did than all did on it. In the first round a model
/// hears of the questions on its edges, and a task of its own: m = max(0, u_M + V · Σ edge · x ∕ √edges), t = max(0, W_t c). In
/// the second the question hears of its task: h = max(0, W_q x + U t). The edge that is not there is foretold by
/// q̂ = σ(h · m ∕ √n + b_M). After T. Feng et al., *GraphRouter: A Graph-based Router for LLM Selections*, arXiv
/// 2410.03834; models' descriptions, which it starts from, are vectors u_M that are learned here.
public struct GraphEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "graph"
    /// The tasks' centres, of unit length.
    public let tasks: Table
    /// What a question hears of each task, U t: one row a task.
    public let taskMessages: Table
    /// W_q: one row a hidden number.
    public let questionWeights: Table
    /// m ∕ √n: one row a model.
    public let models: Table
    /// b: what each model has on any question.
    public let biases: [Float]

    /// Makes an estimator of messages that have gone: what the tables' rows and columns are is said beside them.
    public init(tasks: Table, taskMessages: Table, questionWeights: Table, models: Table, biases: [Float]) {
        precondition(taskMessages.rows == tasks.rows && taskMessages.columns == questionWeights.rows)
        precondition(models.columns == questionWeights.rows && biases.count == models.rows)
        precondition(questionWeights.columns == tasks.columns)
        self.tasks = tasks
        self.taskMessages = taskMessages
        self.questionWeights = questionWeights
        self.models = models
        self.biases = biases
    }

    /// How many models are estimated.
    public var modelCount: Int { models.rows }
    /// How many numbers a question must have.
    public var dimension: Int { tasks.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = unitRows(try questions.dense(for: "A graph"))
        let nearest = try nearestCentres(of: table, tasks)
        let width = questionWeights.rows
        var hidden = Table(
            columns: width,
            values: FeatureTable.dense(table).products(with: questionWeights.values, count: width)
        )
        for (row, task) in nearest.enumerated() {
            for place in 0..<width {
                hidden[row, place] = max(0, hidden[row, place] + taskMessages[task, place])
            }
        }
        var result = Table(
            columns: modelCount,
            values: FeatureTable.dense(hidden).products(with: models.values, count: modelCount)
        )
        for row in 0..<result.rows {
            for model in 0..<modelCount { result[row, model] = logistic(result[row, model] + biases[model]) }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(tables: [
            "tasks": tasks, "task messages": taskMessages, "question weights": questionWeights,
            "models": models, "biases": Table([biases]),
        ])
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        tasks = try parameters.table("tasks")
        questionWeights = try parameters.table("question weights", columns: tasks.columns)
        taskMessages = try parameters.table("task messages", rows: tasks.rows, columns: questionWeights.rows)
        models = try parameters.table("models", columns: questionWeights.rows)
        biases = try parameters.table("biases", rows: 1, columns: models.rows).values
    }
}
