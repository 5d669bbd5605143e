extension JSONSchema {
    /// Any value.
    public static let anything = JSONSchema(.anything)
    /// No value: what a member has that must not be there.
    public static let nothing = JSONSchema(.alternatives([]))
    /// `null`.
    public static let null = JSONSchema(.null)
    /// `true` or `false`.
    public static let boolean = JSONSchema(.boolean)
    /// A whole number of at most 18 digits.
    public static let integer = JSONSchema(.integer(least: nil, most: nil))
    /// A number.
    public static let number = JSONSchema(.number(NumberBounds()))
    /// Text.
    public static let text = JSONSchema(.text(least: 0, most: nil))

    /// A whole number of a range.
    public static func integer(_ range: ClosedRange<Int>) -> JSONSchema {
        JSONSchema(.integer(least: Int64(range.lowerBound), most: Int64(range.upperBound)))
    }

    /// A whole number that is at least so large.
    public static func integer(_ range: PartialRangeFrom<Int>) -> JSONSchema {
        JSONSchema(.integer(least: Int64(range.lowerBound), most: nil))
    }

    /// A number of a range.
    public static func number(_ range: ClosedRange<Double>) -> JSONSchema {
        JSONSchema(.number(NumberBounds(least: range.lowerBound, most: range.upperBound)))
    }

    /// A number that is at least so large.
    public static func number(_ range: PartialRangeFrom<Double>) -> JSONSchema {
        JSONSchema(.number(NumberBounds(least: range.lowerBound)))
    }

    /// Text of so many Unicode scalars.
    public static func text(length: ClosedRange<Int>) -> JSONSchema {
        JSONSchema(.text(least: length.lowerBound, most: length.upperBound))
    }

    /// Text in which a regular expression of ECMAScript matches somewhere; `^` and `$` tie it to the ends.
    public static func text(matching pattern: String) -> JSONSchema { JSONSchema(.pattern(pattern)) }

    /// Text of a format: `date`, `time`, `date-time`, `uuid`, `ipv4`, `email`.
    public static func text(format: String) -> JSONSchema { JSONSchema(.format(format)) }

    /// One of several texts.
    public static func oneOf(_ texts: String...) -> JSONSchema { oneOf(texts) }

    /// One of several texts.
    public static func oneOf(_ texts: [String]) -> JSONSchema {
        JSONSchema(.alternatives(texts.map { JSONSchema(.constant(JSONPatterns.quoted($0))) }))
    }

    /// An array of so many elements.
    public static func array(of element: JSONSchema, count: ClosedRange<Int>? = nil) -> JSONSchema {
        JSONSchema(.array(first: [], rest: element, least: count?.lowerBound ?? 0, most: count?.upperBound))
    }

    /// An object with these members, in this order.
    public static func object(@JSONPropertyBuilder _ properties: () -> [Property]) -> JSONSchema {
        JSONSchema(.object(properties(), further: nil))
    }

    /// A value of any of several schemas.
    public static func anyOf(_ schemas: JSONSchema...) -> JSONSchema { JSONSchema(.alternatives(schemas)) }

    /// What the definition of a name says.
    public static func reference(_ name: String) -> JSONSchema { JSONSchema(.reference(name)) }

    /// A schema under a name, by which it may refer to itself: the way to describe a type that contains itself.
    ///
    /// ```swift
    /// struct Folder: Codable, JSONSchemaDescribing {
    ///     var name: String
    ///     var folders: [Folder]
    ///
    ///     static var jsonSchema: JSONSchema {
    ///         .definition("folder", .object {
    ///             JSONSchema.Property("name", String.self)
    ///             JSONSchema.Property("folders", .array(of: .reference("folder")))
    ///         })
    ///     }
    /// }
    /// ```
    public static func definition(_ name: String, _ schema: JSONSchema) -> JSONSchema {
        JSONSchema(.reference(name), definitions: [name: schema])
    }

    /// The same schema with a word on what is meant.
    public func described(_ description: String) -> JSONSchema {
        var schema = self
        schema.description = description
        return schema
    }
}

/// Lists the members of an object.
@resultBuilder
public enum JSONPropertyBuilder {
    /// A member.
    public static func buildExpression(_ property: JSONSchema.Property) -> [JSONSchema.Property] {
        [property]
    }
    /// Members one after another.
    public static func buildBlock(_ parts: [JSONSchema.Property]...) -> [JSONSchema.Property] {
        parts.flatMap(\.self)
    }
    /// Members under a condition.
    public static func buildOptional(_ part: [JSONSchema.Property]?) -> [JSONSchema.Property] { part ?? [] }
    /// Members under a condition.
    public static func buildEither(first: [JSONSchema.Property]) -> [JSONSchema.Property] { first }
    /// Members under the opposite condition.
    public static func buildEither(second: [JSONSchema.Property]) -> [JSONSchema.Property] { second }
    /// Members from a loop.
    public static func buildArray(_ parts: [[JSONSchema.Property]]) -> [JSONSchema.Property] {
        parts.flatMap(\.self)
    }
}
