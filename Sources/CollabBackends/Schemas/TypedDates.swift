public import Collab

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension Date: JSONSchemaDescribing {
    /// A day and a time of day, of the format `date-time`.
    public static var jsonSchema: JSONSchema { .text(format: "date-time") }
}

extension UUID: JSONSchemaDescribing {
    /// Text of the format `uuid`.
    public static var jsonSchema: JSONSchema { .text(format: "uuid") }
}

extension JSONDecoder {
    /// What decodes typed answers where the program has no decoder of its own.
    ///
    /// A date is read from what the formats `date-time` and `date` let a model write, a day being its first moment in
    /// Greenwich, or from seconds since 2001, as Foundation has it.
    static var forTypedAnswers: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let text = try? container.decode(String.self) else {
                return Date(timeIntervalSinceReferenceDate: try container.decode(Double.self))
            }
            let moment = text.utf8.count == 10 ? text + "T00:00:00Z" : text
            guard let seconds = secondsSince1970(rfc3339: moment, years: 1...9999) else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "“\(text)” is no date of RFC 3339."
                )
            }
            return Date(timeIntervalSince1970: seconds)
        }
        return decoder
    }
}
