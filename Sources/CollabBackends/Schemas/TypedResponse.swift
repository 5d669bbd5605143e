public import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An answer as a value, with the response that it was decoded from.
public struct TypedResponse<Value: Sendable>: Sendable {
    /// What was answered.
    public var value: Value
    /// The text of the answer, its tokens, what it took.
    public var response: Response

    /// Makes a typed response.
    public init(value: Value, response: Response) {
        self.value = value
        self.response = response
    }

    /// Decodes a response.
    ///
    /// Throws ``Collab/CollabError/Code/unparsed``, with the decoder's error as its cause, if the text is no such value.
    init(
        decoding response: Response,
        by decode: (@Sendable (_ json: [UInt8]) throws -> Value)?
    ) throws(CollabError) where Value: Decodable {
        do {
            value =
                try decode?(Array(response.text.utf8))
                ?? JSONDecoder.forTypedAnswers.decode(Value.self, from: Data(response.text.utf8))
            self.response = response
        } catch {
            throw CollabError(
                .unparsed,
                """
                The answer of \(response.model) is no \(Value.self), though it follows the type’s schema: let the schema \
                agree with how the type is decoded.
                """,
                cause: error
            )
        }
    }
}

extension LogitModel {
    /// Answers a request with a value of a type: the model can write nothing that does not decode.
    ///
    /// ```swift
    /// struct Town: Codable, JSONSchemaDescribing {
    ///     var name: String
    ///     var inhabitants: Int?
    ///     static var jsonSchema: JSONSchema {
    ///         .object {
    ///             JSONSchema.Property("name", String.self)
    ///             JSONSchema.Property("inhabitants", Int?.self)
    ///         }
    ///     }
    /// }
    /// let town = try await model.respond(to: "The largest town of Japan, as JSON.", as: Town.self).value
    /// ```
    ///
    /// The model is not told of the schema, only kept to it: say in the request what is wanted. A `Date` is decoded from
    /// text of the formats `date-time` and `date`; for other conventions hand over a decoder of your own:
    ///
    /// ```swift
    /// let answer = try await model.respond(to: question, as: Town.self, decodedBy: { json in
    ///     let decoder = JSONDecoder()
    ///     decoder.keyDecodingStrategy = .convertFromSnakeCase
    ///     return try decoder.decode(Town.self, from: Data(json))
    /// })
    /// ```
    ///
    /// Throws ``Collab/CollabError/Code/unfinishedAnswer`` if the token limit or the run's time ends the answer too early,
    /// what ``Collab/Constraint/json(_:layout:)`` throws for the type's schema, and
    /// ``Collab/CollabError/Code/unparsed`` if the type does not decode what its schema allows.
    public func respond<Value: Decodable & Sendable & JSONSchemaDescribing>(
        to request: Request,
        as type: Value.Type,
        layout: JSONLayout = .free,
        decodedBy decode: (@Sendable (_ json: [UInt8]) throws -> Value)? = nil,
        in run: Run? = nil
    ) async throws(CollabError) -> TypedResponse<Value> {
        let constrained = constrained(to: try .json(Value.jsonSchema, layout: layout))
        return try TypedResponse(decoding: try await constrained.respond(to: request, in: run), by: decode)
    }

    /// Answers a question with a value of a type.
    public func respond<Value: Decodable & Sendable & JSONSchemaDescribing>(
        to question: String,
        as type: Value.Type,
        layout: JSONLayout = .free,
        decodedBy decode: (@Sendable (_ json: [UInt8]) throws -> Value)? = nil,
        in run: Run? = nil
    ) async throws(CollabError) -> TypedResponse<Value> {
        try await respond(to: Request(question), as: type, layout: layout, decodedBy: decode, in: run)
    }
}

extension RemoteModel {
    /// Answers a request with a value of a type, if the server keeps answers to a schema.
    ///
    /// Throws what ``constrained(to:)`` throws, ``Collab/CollabError/Code/unfinishedAnswer`` if the answer ended at the token limit,
    /// and ``Collab/CollabError/Code/unparsed`` if the server let something else through.
    public func respond<Value: Decodable & Sendable & JSONSchemaDescribing>(
        to request: Request,
        as type: Value.Type,
        decodedBy decode: (@Sendable (_ json: [UInt8]) throws -> Value)? = nil,
        in run: Run? = nil
    ) async throws(CollabError) -> TypedResponse<Value> {
        let constrained = try constrained(to: .json(Value.jsonSchema))
        let response = try await constrained.respond(to: request, in: run)
        do throws(CollabError) { return try TypedResponse(decoding: response, by: decode) } catch {
            guard response.ending != .finished else { throw error }
            throw CollabError(
                .unfinishedAnswer,
                "The answer of \(name) ended before it was what the schema demands; allow more tokens.",
                cause: UnfinishedAnswer(text: response.text, ending: response.ending, usage: response.usage)
            )
        }
    }
}
