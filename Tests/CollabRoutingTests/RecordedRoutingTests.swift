import Collab
import CollabRouting
import CollabTesting
import Foundation
import Testing

/// What routers are worth on recorded answers of real models, out of fold; the whole table is that of
/// `experiment-routing`.
@Suite(
    "Routing on recorded answers",
    .enabled(if: RoutingFolder.path != nil, "set COLLAB_DATA to a folder with api/routellm_mmlu.jsonl.gz"),
    .serialized
)
struct RecordedRoutingTests {
    @Test(
        "has the end points of RouteLLM's paper and its oracle, to their last digits",
        arguments: [("mmlu", 68.09, 80.59, 1.268), ("gsm8k", 63.73, 85.77, 1.115)]
    )
    func ends(_ name: String, _ weak: Double, _ strong: Double, _ oracle: Double) throws {
        let pair = try RecordedPair(name)
        let curve = StrongShareCurve.oracle(weak: pair.weak, strong: pair.strong)
        #expect(abs(curve.weakQuality * 100 - weak) < 0.005)
        #expect(abs(curve.strongQuality * 100 - strong) < 0.005)
        #expect(abs(curve.averageGapRecovered(.tenths) - oracle) < 0.0005)
    }

    /// By which method, what it has to reach, and what the length of the question reaches alone.
    static let folds: [(set: String, training: any RouterTraining, bar: Double, byLength: Double)] = [
        ("mmlu", NeighbourTraining(neighbours: 100), 0.66, 0.584),
        ("gsm8k", RidgeTraining(penalty: 10), 0.59, 0.598),
    ]

    @Test(
        "recovers of five folds what it should, beside a rule that has learned nothing",
        arguments: 0..<2
    )
    func recovers(_ index: Int) throws {
        let (name, training, bar, byLength) = Self.folds[index]
        let pair = try RecordedPair(name)
        let result = try validate(try pair.trainingSet(), training)
        #expect(pair.gapRecovered(result.advantages(of: 1, over: 0)) >= bar)
        // The length of the question alone: as good on one of the two sets.
        #expect(abs(pair.gapRecovered(pair.lengths) - byLength) < 0.001)
    }

    private func validate(_ set: TrainingSet, _ training: some RouterTraining) throws -> CrossValidation {
        try CrossValidation(of: set, by: training)
    }

    @Test("recovers 0.62 from 1,500 labels")
    func fewLabels() throws {
        let pair = try RecordedPair("mmlu")
        var sum = 0.0
        for draw in 0..<5 {
            var generator = SeededGenerator(seed: UInt64(draw))
            let order = Array(pair.weak.indices).shuffled(using: &generator)
            let (learning, rest) = (Array(order.prefix(1500)), Array(order.dropFirst(1500)))
            let estimator = try LogisticTraining(penalty: 3).train(on: pair.trainingSet(learning))
            let table = try estimator.qualities(of: .dense(pair.vectors.selecting(rest)))
            let scores = (0..<table.rows).map { Double(table[$0, 1] - table[$0, 0]) }
            sum += pair.gapRecovered(scores, on: rest) / 5
        }
        #expect(sum >= 0.62)
    }

    struct Nine: Decodable { var scores: [Float] }
    struct Prices: Decodable {
        struct Info: Decodable { var output_price: Double }
        var models: [String]
        var info: [String: Info]
    }

    @Test("of nine models is better than the best of them at less than half of its price")
    func nine() throws {
        let path = try #require(RoutingFolder.path)
        let described = try JSONDecoder().decode(
            Prices.self,
            from: Data(contentsOf: URL(fileURLWithPath: path + "/llmrouter_models.json"))
        )
        let scores = Table(
            try RoutingFolder.lines("llmrouter_9models_train").map {
                try JSONDecoder().decode(Nine.self, from: $0).scores
            }
        )
        let set = try TrainingSet(
            features: .dense(try RoutingFolder.vectors("llmrouter_9models_train")),
            models: described.models,
            scores: scores
        )
        let costs = described.info.mapValues(\.output_price)
        let result = try CrossValidation(of: set, by: .neighbours(40))
        let tradeoff = CostTradeoff(weight: 0.1, costs: costs)
        var (quality, price) = (0.0, 0.0)
        for row in 0..<scores.rows {
            let estimated = result.qualities.row(row).map { Optional(Double($0)) }
            let choice = try #require(tradeoff.choice(estimated, names: set.models, question: ""))
            quality += Double(scores[row, choice]) / Double(scores.rows)
            price += (costs[set.models[choice]] ?? .nan) / Double(scores.rows)
        }
        let means = set.models.indices.map { model in
            scores.column(model).reduce(0.0) { $0 + Double($1) } / Double(scores.rows)
        }
        let best = try #require(means.indices.max { means[$0] < means[$1] })
        #expect(quality > means[best])
        #expect(price < (costs[set.models[best]] ?? 0) / 2)
        // A budget in the middle is met on the questions that it was found on.
        let budget = try CostTradeoff.fitted(
            qualities: result.qualities,
            models: set.models,
            costs: costs,
            meanBudget: 0.4
        )
        var spent = 0.0
        for row in 0..<scores.rows {
            let estimated = result.qualities.row(row).map { Optional(Double($0)) }
            let choice = budget.choice(estimated, names: set.models, question: "question \(row)")
            spent += (costs[set.models[try #require(choice)]] ?? .nan) / Double(scores.rows)
        }
        #expect(abs(spent - 0.4) < 0.01)
    }

    struct Problem: Decodable {
        struct Run: Decodable {
            let answer: Double
            let isRight: Bool

            init(from decoder: any Swift.Decoder) throws {
                var values = try decoder.unkeyedContainer()
                answer = try values.decode(Double.self)
                isRight = try values.decode(Int.self) == 1
            }
        }
        var question: String
        var contaminated: Int
        var single: [String: Run]
    }

    @Test(
        "lets two cheaper models agree, and asks the strong one for the rest: better than the strong one alone"
    )
    func agreement() async throws {
        let problems = try RoutingFolder.lines("gsm8k_test_multimodel").map {
            try JSONDecoder().decode(Problem.self, from: $0)
        }.filter { $0.contaminated == 0 }
        #expect(problems.count == 1307)
        let byQuestion = Dictionary(
            problems.map { ($0.question, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        func model(_ name: String) -> ScriptedModel {
            ScriptedModel(name) { (request, _) throws(CollabError) in
                let answer = byQuestion[request.question]?.single[name]?.answer
                return ScriptedAnswer(answer.map { "The answer is \($0)." } ?? "I do not know.")
            }
        }
        let strong = model("gpt4_1106")
        let cascade = Cascade(until: .confidence(.agreement(as: .numeric), above: 0.99)) {
            model("gpt3_175b_verification")
            model("mixtral_8x7b")
            strong
        }
        var (right, alone) = (0, 0)
        for problem in problems {
            let response = try await cascade.respond(to: Request(problem.question))
            // Where the two agree, the first's answer is the second's.
            let judged = response.model == "mixtral_8x7b" ? "gpt3_175b_verification" : response.model
            if problem.single[judged]?.isRight == true { right += 1 }
            if problem.single["gpt4_1106"]?.isRight == true { alone += 1 }
        }
        let count = Double(problems.count)
        #expect(Double(right) / count >= 0.87)
        #expect(Double(strong.callCount) / count <= 0.56)
        #expect(abs(Double(alone) / count - 0.857) < 0.001)
    }
}
