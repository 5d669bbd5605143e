import Collab
import CollabBackends

/// Answers a file of questions about a model's tokens and numbers, line by line.
///
/// A line is `{"id", "prompt", "parseSpecial": bool, "greedy": N, "top": K}`; all but the prompt may be left out. Its
/// answer is `{"id", "ids", "top": [{"id", "logit"}…], "logsumexp", "greedyIDs", "greedyText"}`: the prompt's tokens
/// (framed as the model was trained), the K largest logits after them, and the N most probable tokens one after the
/// other, not stopped at the end of an answer. A prompt of no tokens has nothing but its empty `ids`.
struct Batch {
    var model: NativeModel
    var vocabulary: any ModelTokenizer

    init(model: NativeModel) throws(CollabError) {
        guard let vocabulary = model.tokenizer as? any ModelTokenizer else {
            throw CollabError(.unsupported, "\(model.name) has no vocabulary of its own.")
        }
        self.model = model
        self.vocabulary = vocabulary
    }

    /// Writes an answer for each line of a file.
    func run(path: String) async throws(CollabError) {
        let file = try MappedFile(path: path)
        var number = 0
        for line in file.bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            do throws(CollabError) {
                let question = try Question(UnsafeRawBufferPointer(rebasing: line))
                Terminal.print(line: try await answer(question).description)
            } catch {
                throw CollabError(error.code, "\(path), line \(number): \(error.message)", cause: error.cause)
            }
        }
    }

    private func answer(_ question: Question) async throws(CollabError) -> JSONValue {
        let ids = try vocabulary.encodePrompt(question.prompt, parsingSpecialTokens: question.parsesSpecial)
        var answer: JSONObject = ["id": question.id, "ids": .array(ids.map { .integer(Int64($0)) })]
        // After nothing there are no numbers; the other lines are none the worse for it.
        if ids.isEmpty { return .object(answer) }
        let decoder = try await model.makeDecoder()
        guard var logits = try await decoder.append(ids, logits: .last).last else {
            throw CollabError(.invalidRequest, "The prompt has no logits.")
        }
        answer["top"] = .array(
            top(logits, question.top).map { id in
                ["id": .integer(Int64(id)), "logit": .double(Double(logits[id]))]
            }
        )
        answer["logsumexp"] = .double(logSumExp(logits))
        var greedy: [TokenID] = []
        while greedy.count < question.greedy {
            greedy.append(argmax(logits))
            if greedy.count < question.greedy { logits = try await decoder.append(greedy[greedy.count - 1]) }
        }
        answer["greedyIDs"] = .array(greedy.map { .integer(Int64($0)) })
        answer["greedyText"] = .string(vocabulary.render(greedy))
        return .object(answer)
    }
}

/// A line of the file.
private struct Question {
    var id: JSONValue
    var prompt: String
    var parsesSpecial: Bool
    var greedy: Int
    var top: Int

    init(_ line: UnsafeRawBufferPointer) throws(CollabError) {
        let value = try JSONValue(parsing: line)
        guard let prompt = value["prompt"]?.stringValue else {
            throw CollabError(.malformedFile, "There is no text called “prompt”.")
        }
        self.prompt = prompt
        id = value["id"] ?? .null
        parsesSpecial = try Self.optional(value, "parseSpecial", "true or false", false) { $0.boolValue }
        greedy = try Self.optional(value, "greedy", "a whole number from 0 to 100000", 0, Self.count)
        top = try Self.optional(value, "top", "a whole number from 0 to 100000", 0, Self.count)
    }

    private static func count(_ value: JSONValue) -> Int? {
        value.intValue.flatMap { (0...100_000).contains($0) ? $0 : nil }
    }

    private static func optional<Value>(
        _ object: JSONValue,
        _ key: String,
        _ expected: String,
        _ otherwise: Value,
        _ convert: (JSONValue) -> Value?
    ) throws(CollabError) -> Value {
        guard let field = object[key], !field.isNull else { return otherwise }
        guard let value = convert(field) else {
            throw CollabError(.malformedFile, "“\(key)” must be \(expected) and is \(field.description).")
        }
        return value
    }
}

/// The id of the largest logit, the lowest one of equals.
private func argmax(_ logits: Logits) -> TokenID {
    logits.values.withUnsafeBufferPointer { values in
        var best = 0
        for id in 1..<max(1, values.count) where values[id] > values[best] || values[best].isNaN { best = id }
        return TokenID(best)
    }
}

/// The ids of the largest logits, the lowest first of equals.
private func top(_ logits: Logits, _ count: Int) -> [TokenID] {
    guard count > 0 else { return [] }
    let ids = logits.values.indices.sorted { left, right in
        let (a, b) = (logits.values[left], logits.values[right])
        return a == b ? left < right : a > b
    }
    return ids.prefix(count).map { TokenID($0) }
}

/// log Σ exp of the logits, computed in double precision around the largest.
private func logSumExp(_ logits: Logits) -> Double {
    let largest = Double(logits.values.max() ?? 0)
    return largest + logarithm(logits.values.reduce(0) { $0 + exponential(Double($1) - largest) })
}
