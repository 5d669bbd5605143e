public import Collab
import CollabBackends

/// Questions in words, and what is known of each model on them.
public struct RoutingData: Sendable {
    /// The questions, each once, in the order in which they came.
    public private(set) var questions: [String] = []
    /// The models' names, in the order in which they came.
    public private(set) var models: [String] = []
    /// Comparisons of two models.
    public private(set) var battles: [Battle] = []
    private var questionPlaces: [String: Int] = [:]
    private var known: [[Int: (sum: Double, count: Double)]] = []

    /// No data.
    public init() {}

    /// Adds how good a model's answer was, 0…1; of several on one question the mean counts.
    public mutating func add(question: String, model: String, score: Double) {
        let (row, column) = (place(ofQuestion: question), place(ofModel: model))
        known[row][column, default: (0, 0)].sum += score
        known[row][column, default: (0, 0)].count += 1
    }

    /// Adds a comparison: 1 the first model won, 0 it lost, 0.5 a tie.
    public mutating func add(question: String, first: String, second: String, outcome: Double) {
        let row = place(ofQuestion: question)
        let (a, b) = (place(ofModel: first), place(ofModel: second))
        battles.append(Battle(question: row, first: a, second: b, outcome: outcome))
    }

    /// One row a question, one column a model; NaN where nobody knows.
    public var scores: Table {
        var table = Table(rows: questions.count, columns: models.count, repeating: .nan)
        for (row, columns) in known.enumerated() {
            for (column, value) in columns { table[row, column] = Float(value.sum / value.count) }
        }
        return table
    }

    private mutating func place(ofQuestion question: String) -> Int {
        if let place = questionPlaces[question] { return place }
        questionPlaces[question] = questions.count
        questions.append(question)
        known.append([:])
        return questions.count - 1
    }

    private mutating func place(ofModel model: String) -> Int {
        if let place = models.firstIndex(of: model) { return place }
        models.append(model)
        return models.count - 1
    }
}

extension RoutingData {
    /// Reads a file of JSON Lines.
    ///
    /// A line gives scores, `{"question": "…", "scores": {"small": 0, "large": 1}}`, or a comparison,
    /// `{"question": "…", "a": "small", "b": "large", "winner": "b"}` with `winner` one of `a`, `b` and `tie`. Both may
    /// occur in one file; empty lines are skipped.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput`, and `malformedFile`, which names the line.
    public init(contentsOf path: String) throws(CollabError) {
        let file = try MappedFile(path: path)
        for (index, line) in file.bytes.split(separator: 0x0A).enumerated() {
            func malformed(_ what: String) -> CollabError {
                CollabError(.malformedFile, "\(path), line \(index + 1) that is not empty: \(what).")
            }
            let value: JSONValue
            do throws(CollabError) {
                value = try JSONValue(parsing: Array(line))
            } catch {
                throw CollabError(.malformedFile, "\(path), line \(index + 1) is no JSON.", cause: error)
            }
            guard let question = value["question"]?.stringValue else {
                throw malformed("it has no text called “question”")
            }
            if let scores = value["scores"]?.objectValue {
                for member in scores where !member.value.isNull {
                    guard let score = member.value.doubleValue, 0...1 ~= score else {
                        throw malformed("the score of \(member.key) is not between 0 and 1")
                    }
                    add(question: question, model: member.key, score: score)
                }
                continue
            }
            guard let first = value["a"]?.stringValue, let second = value["b"]?.stringValue,
                first != second, let winner = value["winner"]?.stringValue,
                let outcome = ["a": 1.0, "b": 0.0, "tie": 0.5][winner]
            else { throw malformed("it has neither “scores” nor “a”, “b” and a “winner” among a, b and tie") }
            add(question: question, first: first, second: second, outcome: outcome)
        }
    }
}
