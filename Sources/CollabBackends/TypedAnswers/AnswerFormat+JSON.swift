public import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension AnswerFormat {
    /// JSON from which a value can be decoded; answers are the same if their JSON is, whatever the order of keys, white
    /// space, and whether a whole number is written with a decimal point.
    ///
    /// The JSON may stand in a fenced block or within other text, and may have the faults that models make (comments,
    /// trailing commas, single quotes, a missing end). Of several values that can be decoded the last one counts, those
    /// in fenced blocks before others.
    public static func json<Value: Decodable & SendableMetatype>(_ type: Value.Type) -> AnswerFormat {
        AnswerFormat("JSON of \(type)") { text in
            guard case .success(let read) = TypedAnswer.read(Value.self, in: text) else { return nil }
            return String(decoding: read.json.normalized.encoded(.canonical), as: UTF8.self)
        }
    }
}

/// Decodes values from what models write.
enum TypedAnswer {
    /// Why nothing could be decoded, as it can be told to the model that wrote the text.
    struct Problem: Error {
        var message: String
    }

    static func read<Value: Decodable>(
        _ type: Value.Type,
        in text: String
    ) -> Result<(value: Value, json: JSONValue), Problem> {
        var problem: Problem?
        for candidate in JSONInText.candidates(in: text) {
            do {
                let data = Data(candidate.encoded())
                return .success((try JSONDecoder.forTypedAnswers.decode(type, from: data), candidate))
            } catch {
                // The best candidate's fault is the one to tell.
                problem = problem ?? Problem(message: describe(error))
            }
        }
        return .failure(problem ?? Problem(message: "it holds no JSON object or array"))
    }

    /// What is wrong and where, without the decoder's own way of putting it.
    private static func describe(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            let names = path.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }
            return names.isEmpty ? "the value" : "“\(names.joined(separator: "."))”"
        }
        guard let error = error as? DecodingError else { return "it cannot be decoded" }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context.codingPath + [key])) is missing"
        case .valueNotFound(let type, let context):
            return "\(place(context.codingPath)) is null, and must be of type \(type)"
        case .typeMismatch(let type, let context):
            return "\(place(context.codingPath)) must be of type \(type)"
        case .dataCorrupted(let context):
            return "\(place(context.codingPath)) is not one of the values that are allowed"
        @unknown default: return "it cannot be decoded"
        }
    }
}

extension JSONValue {
    /// The value with numbers that are whole written as whole numbers.
    fileprivate var normalized: JSONValue {
        switch self {
        case .double(let value): Int64(exactly: value).map { .integer($0) } ?? self
        case .array(let elements): .array(elements.map(\.normalized))
        case .object(let object):
            .object(
                object.members.reduce(into: JSONObject()) { $0[$1.key] = $1.value.normalized }
            )
        default: self
        }
    }
}
