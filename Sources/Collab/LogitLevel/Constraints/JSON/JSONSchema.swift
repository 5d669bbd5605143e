/// What a JSON text has to look like: a JSON schema, as far as an answer can be made to follow it.
///
/// Write one in Swift, let a type describe itself (``JSONSchemaDescribing``), or read a document
/// (`JSONSchema(document:)` in CollabBackends):
///
/// ```swift
/// let schema = JSONSchema.object {
///     Property("city", .text(length: 1...40))
///     Property("country", .oneOf("AT", "CH", "DE"))
///     Property("inhabitants", .integer(0...)).optional
/// }
/// let model = try model.constrained(to: .json(schema))
/// ```
///
/// A schema also allows less than it means: texts have one spelling (see ``JSONLayout``), members come in the order of the
/// schema, and numbers have at most fifteen digits on either side of the point. So whatever is written is valid, but not
/// everything valid can be written.
public struct JSONSchema: Hashable, Sendable {
    /// The kinds of values.
    public indirect enum Form: Hashable, Sendable {
        /// Any value.
        case anything
        /// `null`.
        case null
        /// `true` or `false`.
        case boolean
        /// A whole number between two, both included; without bounds one of at most 18 digits.
        case integer(least: Int64?, most: Int64?)
        /// A number between two.
        case number(NumberBounds)
        /// Text of so many Unicode scalars.
        case text(least: Int, most: Int?)
        /// Text in which a regular expression matches somewhere, as the keyword `pattern` has it: of ECMAScript, with the
        /// flag `u`.
        case pattern(String)
        /// Text of a format: `date`, `time`, `date-time`, `uuid`, `ipv4`, `email`.
        case format(String)
        /// An array whose first elements have schemas of their own, and the further ones, if there may be any, another.
        case array(first: [JSONSchema], rest: JSONSchema?, least: Int, most: Int?)
        /// An object with members in order, and further members, if there may be any, of a schema.
        case object([Property], further: JSONSchema?)
        /// This value, as JSON text.
        case constant(String)
        /// A value of any of several schemas; without any, none.
        case alternatives([JSONSchema])
        /// What a definition says.
        case reference(String)
    }

    /// The bounds of a number.
    public struct NumberBounds: Hashable, Sendable {
        /// The least number, if there is one.
        public var least: Double?
        /// The largest number, if there is one.
        public var most: Double?
        /// Whether the least number itself is left out.
        public var excludesLeast: Bool
        /// Whether the largest number itself is left out.
        public var excludesMost: Bool

        /// Makes bounds.
        public init(
            least: Double? = nil,
            most: Double? = nil,
            excludesLeast: Bool = false,
            excludesMost: Bool = false
        ) {
            self.least = least
            self.most = most
            self.excludesLeast = excludesLeast
            self.excludesMost = excludesMost
        }
    }

    /// What kind of value it is.
    public var form: Form
    /// What is meant, for people and for servers that show schemas to a model; it constrains nothing.
    public var description: String?
    /// Schemas by the names under which ``Form/reference(_:)`` finds them, here and everywhere beneath.
    public var definitions: [String: JSONSchema]

    /// Makes a schema.
    public init(_ form: Form, description: String? = nil, definitions: [String: JSONSchema] = [:]) {
        self.form = form
        self.description = description
        self.definitions = definitions
    }
}

extension JSONSchema {
    /// A member of an object.
    public struct Property: Hashable, Sendable {
        /// Its key.
        public var key: String
        /// Its value.
        public var schema: JSONSchema
        /// Whether it must be there.
        public var isRequired: Bool

        /// Makes a member.
        public init(_ key: String, _ schema: JSONSchema, isRequired: Bool = true) {
            self.key = key
            self.schema = schema
            self.isRequired = isRequired
        }

        /// Makes a member whose value is of a type that describes itself; one of an optional type may be left out.
        public init<Value: JSONSchemaDescribing>(
            _ key: String,
            _ type: Value.Type,
            _ description: String? = nil
        ) {
            var schema = Value.jsonSchema
            if let description { schema.description = description }
            self.init(key, schema, isRequired: !Value.mayBeLeftOut)
        }

        /// The same member, which may be left out.
        public var optional: Property {
            var property = self
            property.isRequired = false
            return property
        }
    }
}
