/// A type that says what its values look like in JSON.
///
/// Let it agree with how the type is decoded: an answer that follows the schema must decode. Texts, truth values, numbers,
/// arrays, dictionaries, optionals and enumerations of texts or whole numbers describe themselves; with CollabBackends,
/// dates too.
///
/// ```swift
/// struct Town: Codable, JSONSchemaDescribing {
///     var name: String
///     var inhabitants: Int?
///
///     static var jsonSchema: JSONSchema {
///         .object {
///             JSONSchema.Property("name", String.self)
///             JSONSchema.Property("inhabitants", Int?.self)
///         }
///     }
/// }
/// ```
public protocol JSONSchemaDescribing {
    /// What values look like.
    static var jsonSchema: JSONSchema { get }
    /// Whether a member of this type may be left out; only those of optional types may.
    static var mayBeLeftOut: Bool { get }
}

extension JSONSchemaDescribing {
    /// A member must be there.
    public static var mayBeLeftOut: Bool { false }
}

extension String: JSONSchemaDescribing {
    /// Text.
    public static var jsonSchema: JSONSchema { .text }
}

extension Bool: JSONSchemaDescribing {
    /// `true` or `false`.
    public static var jsonSchema: JSONSchema { .boolean }
}

extension Double: JSONSchemaDescribing {
    /// A number.
    public static var jsonSchema: JSONSchema { .number }
}

extension Float: JSONSchemaDescribing {
    /// A number that a `Float` can hold.
    public static var jsonSchema: JSONSchema { .number(-1e14...1e14) }
}

extension JSONSchemaDescribing where Self: FixedWidthInteger {
    /// A whole number that the type can hold, of at most 18 digits.
    public static var jsonSchema: JSONSchema {
        let most: Int64 = 999_999_999_999_999_999
        return JSONSchema(
            .integer(
                least: Swift.max(Int64(clamping: Self.min), -most),
                most: Swift.min(Int64(clamping: Self.max), most)
            )
        )
    }
}

extension Int: JSONSchemaDescribing {}
extension Int8: JSONSchemaDescribing {}
extension Int16: JSONSchemaDescribing {}
extension Int32: JSONSchemaDescribing {}
extension Int64: JSONSchemaDescribing {}
extension UInt: JSONSchemaDescribing {}
extension UInt8: JSONSchemaDescribing {}
extension UInt16: JSONSchemaDescribing {}
extension UInt32: JSONSchemaDescribing {}
extension UInt64: JSONSchemaDescribing {}

extension Optional: JSONSchemaDescribing where Wrapped: JSONSchemaDescribing {
    /// A value or `null`.
    public static var jsonSchema: JSONSchema {
        JSONSchema(.alternatives([Wrapped.jsonSchema, .null]))
    }
    /// A member may be left out.
    public static var mayBeLeftOut: Bool { true }
}

extension Array: JSONSchemaDescribing where Element: JSONSchemaDescribing {
    /// Any number of elements.
    public static var jsonSchema: JSONSchema { .array(of: Element.jsonSchema) }
}

extension Dictionary: JSONSchemaDescribing where Key == String, Value: JSONSchemaDescribing {
    /// Any number of members.
    public static var jsonSchema: JSONSchema { JSONSchema(.object([], further: Value.jsonSchema)) }
}

extension JSONSchemaDescribing
where Self: CaseIterable, Self: RawRepresentable, Self.RawValue: FixedWidthInteger {
    /// The number of one of the cases.
    public static var jsonSchema: JSONSchema {
        JSONSchema(.alternatives(allCases.map { JSONSchema(.constant("\($0.rawValue)")) }))
    }
}

extension JSONSchemaDescribing where Self: CaseIterable, Self: RawRepresentable, Self.RawValue == String {
    /// One of the cases.
    public static var jsonSchema: JSONSchema { .oneOf(allCases.map(\.rawValue)) }
}
