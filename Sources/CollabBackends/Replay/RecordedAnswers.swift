public import Collab

/// Answers that real models gave to the questions of a benchmark, out of a file: what model m said to question q, as
/// its k-th sample.
///
/// ```swift
/// let answers = try RecordedAnswers(
///     contentsOf: "solutions.jsonl",
///     columns: .init(question: "question", answers: .perModel(["large": "175b.solution", "small": "6b.solution"]))
/// )
/// let vote = Vote { answers.model("large"); answers.model("small") }
/// ```
///
/// Files are JSON Lines, or comma-separated values (RFC 4180) where the path ends in `.csv`.
public struct RecordedAnswers: Sendable {
    /// Which columns hold what. A dot leads into an object: `large.solution`.
    public struct Columns: Hashable, Sendable {
        /// Where the answers are.
        public enum Answers: Hashable, Sendable {
            /// A row an answer; `model` is the column that names the model.
            case perRow(column: String, model: String)
            /// A row a question; the column of each model.
            case perModel([String: String])
        }

        /// The column of the question.
        public var question: String
        /// Where the answers are. A cell that is a list holds the samples of one model, in order.
        public var answers: Answers
        /// The column of the sample's index; `nil`: rows with the same model and question are its samples, in order.
        public var sample: String?

        /// Makes a description.
        public init(question: String, answers: Answers, sample: String? = nil) {
            self.question = question
            self.answers = answers
            self.sample = sample
        }
    }

    /// The questions, in the order of the file, each once.
    public private(set) var questions: [String] = []
    private var seen: Set<String> = []
    private var answers: [String: [String: [Int: String]]] = [:]

    /// Reads recorded answers.
    ///
    /// Throws ``Collab/CollabError/Code/fileNotFound`` if there is no file, and
    /// ``Collab/CollabError/Code/malformedFile`` with the row if one lacks a column, or has two answers for one sample.
    public init(contentsOf path: String, columns: Columns) throws(CollabError) {
        for (index, row) in try RecordedTable.rows(of: path).enumerated() {
            do throws(CollabError) { try add(row, columns) } catch {
                throw CollabError(.malformedFile, "Row \(index + 1) of “\(path)”: \(error.message)")
            }
        }
    }

    /// The models that have answered, in alphabetical order.
    public var models: [String] { answers.keys.sorted() }

    /// A model that answers as it once did.
    public func model(_ name: String) -> RecordedModel {
        RecordedModel(name: name, answers: answers[name] ?? [:])
    }

    private mutating func add(_ row: JSONValue, _ columns: Columns) throws(CollabError) {
        let question = try Self.text(Self.cell(columns.question, of: row), columns.question)
        var sample: Int?
        if let column = columns.sample {
            let cell = try Self.cell(column, of: row)
            sample = cell.intValue ?? cell.stringValue.flatMap { Int($0) }
            guard let sample, sample >= 0 else {
                throw CollabError(.malformedFile, "“\(column)” is no sample index.")
            }
        }
        if !seen.contains(question) {
            seen.insert(question)
            questions.append(question)
        }
        switch columns.answers {
        case .perRow(let column, let model):
            let name = try Self.text(Self.cell(model, of: row), model)
            try add(Self.cell(column, of: row), column, name, question, sample)
        case .perModel(let columns):
            for (name, column) in columns {
                try add(Self.cell(column, of: row), column, name, question, sample)
            }
        }
    }

    private mutating func add(
        _ cell: JSONValue,
        _ column: String,
        _ model: String,
        _ question: String,
        _ sample: Int?
    ) throws(CollabError) {
        let cells = cell.arrayValue ?? [cell]
        for (offset, cell) in cells.enumerated() {
            let index = sample.map { $0 + offset } ?? answers[model]?[question]?.count ?? 0
            let text = try Self.text(cell, column)
            guard answers[model, default: [:]][question, default: [:]].updateValue(text, forKey: index) == nil
            else {
                throw CollabError(.malformedFile, "“\(model)” has two answers for sample \(index).")
            }
        }
    }

    private static func cell(_ column: String, of row: JSONValue) throws(CollabError) -> JSONValue {
        if let cell = row[column] { return cell }
        var cell = row
        for key in column.split(separator: ".") {
            guard let inner = cell[String(key)] else {
                throw CollabError(.malformedFile, "there is no column “\(column)”.")
            }
            cell = inner
        }
        return cell
    }

    private static func text(_ cell: JSONValue, _ column: String) throws(CollabError) -> String {
        switch cell {
        case .string(let text): text
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .null, .array, .object:
            throw CollabError(.malformedFile, "“\(column)” is \(cell.kind), not text.")
        }
    }
}

/// A model that answers as it once did, according to ``RecordedAnswers``.
///
/// A request is recognised by its question (``Collab/Request/question``) and its sample index; its options and
/// instructions are not part of such files.
public struct RecordedModel: TextModel {
    /// The name of the model.
    public let name: String
    /// Nothing is sent anywhere.
    public let profile = ModelProfile(locality: .local)
    let answers: [String: [Int: String]]

    /// Answers as recorded.
    ///
    /// Throws ``Collab/CollabError/Code/replayMiss`` if the question, or the sample, is not in the file.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.validate()
        try checkCancellation()
        guard let samples = answers[request.question] else {
            throw CollabError(
                .replayMiss,
                "“\(name)” has no recorded answer to “\(request.question.prefix(80))”."
            )
        }
        guard let text = samples[request.sample] else {
            throw CollabError(
                .replayMiss,
                "“\(name)” has \(samples.count) recorded answers to the question, and none for sample \(request.sample)."
            )
        }
        await sink.send(text)
        return Response(text: text, model: name, usage: Usage(calls: 1))
    }
}
