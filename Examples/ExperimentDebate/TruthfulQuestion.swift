import Collab
import CollabBackends

/// A question of TruthfulQA (Lin, Hilton and Evans 2022) with options of which one is true.
struct TruthfulQuestion {
    /// The question.
    let text: String
    /// What may be answered, shuffled: in the file the true one stands first.
    let options: [String]
    /// The place of the true option.
    let truth: Int

    /// What an answer means: the option's place.
    var answers: AnswerFormat {
        let places = Dictionary(zip(options, options.indices), uniquingKeysWith: { first, _ in first })
        return AnswerFormat("an option") { places[$0].map { "\($0)" } }
    }

    /// The true option as an answer.
    var right: Answer { .value("\(truth)") }

    /// Reads `mc_task.json` of the benchmark's repository; the order of the options is drawn from a seed.
    ///
    /// - Parameter isBinary: whether the best answer stands against the best wrong one, as the benchmark's revision of
    ///   2025 has it; otherwise one true answer stands among several wrong ones (MC1).
    static func load(_ path: String, isBinary: Bool, seed: UInt64) throws(CollabError) -> [TruthfulQuestion] {
        let rows = try JSONValue(parsing: try MappedFile(path: path)).arrayValue ?? []
        var generator = SeededGenerator(seed: seed)
        var questions: [TruthfulQuestion] = []
        for row in rows {
            guard let text = row["question"]?.stringValue,
                let targets = row[isBinary ? "mc0_targets" : "mc1_targets"]?.objectValue
            else { throw CollabError(.malformedFile, "A row of \(path) is no question of TruthfulQA.") }
            let options = targets.members.map { (text: $0.key, isTrue: $0.value.intValue == 1) }
                .shuffled(using: &generator)
            guard let truth = options.firstIndex(where: \.isTrue) else { continue }
            questions.append(
                TruthfulQuestion(text: text, options: options.map(\.text), truth: truth)
            )
        }
        return questions
    }
}
