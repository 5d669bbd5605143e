/// Which white space JSON is written with.
///
/// It is never more than one space, so that a model cannot go on writing nothing.
public enum JSONLayout: Hashable, Sendable, Codable {
    /// None.
    case compact
    /// One space after each comma and colon.
    case spaced
    /// A space after each comma and colon, or none, as the model likes.
    case free
}

/// Turns a schema into a grammar.
struct JSONGrammarBuilder {
    typealias Pattern = Grammar.Pattern

    private let separator: Pattern
    private let colon: Pattern
    private var rules: [String: Pattern] = [:]
    private var definitions: [String: JSONSchema] = [:]
    private var ruleCount = 0
    /// Where in the schema it is, so that errors can say so.
    private var path: [String] = []

    init(_ layout: JSONLayout) {
        let space: Pattern =
            switch layout {
            case .compact: .nothing
            case .spaced: .text(" ")
            case .free: .optional(.text(" "))
            }
        separator = .sequence([.text(","), space])
        colon = .sequence([.text(":"), space])
    }

    /// The grammar of a schema.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for what contradicts itself or is missing, and
    /// ``CollabError/Code/unsupported`` for an unknown format.
    mutating func build(_ schema: JSONSchema) throws(CollabError) -> Grammar {
        try collect(schema)
        for (name, definition) in definitions.sorted(by: { $0.key < $1.key }) {
            rules[Self.rule(name)] = try pattern(definition, at: ["$defs", name])
        }
        return Grammar(try pattern(schema), rules: rules)
    }

    private static func rule(_ name: String) -> String { "definition " + name }

    /// Where in the schema it is, as documents have it.
    private var place: String { (["#"] + path).joined(separator: "/") }

    /// The pattern of a part.
    private mutating func pattern(_ schema: JSONSchema, at steps: [String]) throws(CollabError) -> Pattern {
        path += steps
        defer { path.removeLast(steps.count) }
        return try pattern(schema)
    }

    /// The pattern of an expression, or an error that also says where in the schema it is.
    private func expression(
        _ source: String,
        _ dialect: RegularExpression.Dialect = .python
    ) throws(CollabError) -> RegularExpression {
        do throws(CollabError) { return try RegularExpression(source, dialect) } catch {
            throw CollabError(error.code, "The JSON schema has a pattern at \(place). \(error.message)")
        }
    }

    /// Finds all definitions.
    private mutating func collect(_ schema: JSONSchema) throws(CollabError) {
        for (name, definition) in schema.definitions {
            if let known = definitions[name] {
                guard known == definition else {
                    throw CollabError(.invalidConstraint, "The schema has two definitions “\(name)”.")
                }
                continue
            }
            definitions[name] = definition
            try collect(definition)
        }
        switch schema.form {
        case .array(let first, let rest, _, _):
            for part in first + (rest.map { [$0] } ?? []) { try collect(part) }
        case .object(let properties, let further):
            for part in properties.map(\.schema) + (further.map { [$0] } ?? []) { try collect(part) }
        case .alternatives(let parts): for part in parts { try collect(part) }
        default: break
        }
    }

    private mutating func pattern(_ schema: JSONSchema) throws(CollabError) -> Pattern {
        switch schema.form {
        case .anything: return anything()
        case .null: return .text("null")
        case .boolean: return .choice([.text("true"), .text("false")])
        case .integer(let least, let most): return try JSONNumbers.integer(least: least, most: most)
        case .number(let bounds): return try JSONNumbers.number(bounds)
        case .text(let least, let most): return JSONPatterns.text(least: least, most: most)
        case .pattern(let source):
            let expression = try expression(source, .ecmaScript)
            return JSONPatterns.text(of: expression.somewhere(in: .all))
        case .format(let format):
            guard let expression = JSONPatterns.expression(ofFormat: format) else {
                throw CollabError(
                    .unsupported,
                    "The format “\(format)” of a text, at \(place), cannot be enforced."
                )
            }
            return JSONPatterns.text(of: try RegularExpression(expression).whole)
        case .array(let first, let rest, let least, let most):
            return try array(first, rest, least, most)
        case .object(let properties, let further): return try object(properties, further)
        case .constant(let text):
            guard try JSONText.isValue(text) else {
                throw CollabError(
                    .invalidConstraint,
                    "The constant “\(text)” of the schema, at \(place), is not a value of JSON."
                )
            }
            return .text(text)
        case .alternatives(let schemas):
            var parts: [Pattern] = []
            for (index, schema) in schemas.enumerated() {
                parts.append(try pattern(schema, at: ["anyOf", "\(index)"]))
            }
            return .choice(parts)
        case .reference(let name):
            guard definitions[name] != nil else {
                throw CollabError(
                    .invalidConstraint,
                    "The schema refers to “\(name)”, which it does not define."
                )
            }
            return .rule(Self.rule(name))
        }
    }

    /// A value's pattern, as a rule of its own if it is large, since patterns are copied where they are used.
    private mutating func value(_ schema: JSONSchema, at steps: String...) throws(CollabError) -> Pattern {
        let pattern = try pattern(schema, at: steps)
        switch schema.form {
        case .null, .boolean, .constant, .reference, .anything: return pattern
        default: return rule(pattern)
        }
    }

    private mutating func rule(_ pattern: Pattern) -> Pattern {
        ruleCount += 1
        let name = "value \(ruleCount)"
        rules[name] = pattern
        return .rule(name)
    }

    // MARK: Arrays

    private mutating func array(
        _ first: [JSONSchema],
        _ rest: JSONSchema?,
        _ least: Int,
        _ most: Int?
    ) throws(CollabError) -> Pattern {
        guard least >= 0, most ?? least >= least, rest != nil || least <= first.count else {
            throw CollabError(.invalidConstraint, "There is no array of at least \(least) such elements.")
        }
        var items: [Pattern] = []
        for (index, schema) in first.prefix(most ?? .max).enumerated() {
            items.append(try value(schema, at: "prefixItems", "\(index)"))
        }
        // What comes after the elements that have schemas of their own.
        var tail = Pattern.nothing
        if let rest {
            let item = try value(rest, at: "items")
            let next = Pattern.sequence([separator, item])
            let count = items.count
            if count == 0 {
                if let most, most == 0 { return .text("[]") }
                let others = Pattern.repetition(next, least: max(0, least - 1), most: most.map { $0 - 1 })
                let all = Pattern.sequence([item, others])
                return .sequence([.text("["), least == 0 ? .optional(all) : all, .text("]")])
            }
            tail = .repetition(next, least: max(0, least - count), most: most.map { $0 - count })
        }
        for (place, item) in items.enumerated().reversed() {
            let isFirst = place == 0
            let part = Pattern.sequence([isFirst ? .nothing : separator, item, tail])
            tail = place >= least ? .optional(part) : part
        }
        return .sequence([.text("["), tail, .text("]")])
    }

    // MARK: Objects

    private mutating func object(
        _ properties: [JSONSchema.Property],
        _ further: JSONSchema?
    ) throws(CollabError) -> Pattern {
        // By their bytes: to JSON, keys that look alike are different.
        var keys = Set<[UInt8]>()
        for property in properties where !keys.insert(Array(property.key.utf8)).inserted {
            throw CollabError(
                .invalidConstraint,
                "An object of the schema has the member “\(property.key)” twice."
            )
        }
        // What comes next if nothing has been written yet, and if something has, to the end.
        var (whenFirst, whenLater): (Pattern, Pattern) = (.text("}"), .text("}"))
        if let further {
            let member = Pattern.sequence([
                JSONPatterns.text(except: properties.map(\.key)), colon,
                try value(further, at: "additionalProperties"),
            ])
            whenLater = .sequence([.repeated(.sequence([separator, member])), .text("}")])
            whenFirst = .choice([.sequence([member, whenLater]), .text("}")])
        }
        for property in properties.reversed() {
            let member = Pattern.sequence([
                .text(JSONPatterns.quoted(property.key)), colon,
                try value(property.schema, at: "properties", property.key),
            ])
            // What several ways lead to is a rule: a copy for each would make the whole as large as the square. It ends where
            // the object does, so following it takes no depth.
            let rest = properties.allSatisfy(\.isRequired) ? whenLater : rule(whenLater)
            let alone = Pattern.sequence([member, rest])
            let added = Pattern.sequence([separator, alone])
            whenFirst = property.isRequired ? alone : .choice([alone, whenFirst])
            whenLater = property.isRequired ? added : .choice([added, rest])
        }
        return .sequence([.text("{"), whenFirst])
    }

    // MARK: Anything

    private mutating func anything() -> Pattern {
        let name = "anything"
        if rules[name] == nil {
            let element = Pattern.rule(name)
            let member = Pattern.sequence([JSONPatterns.text(), colon, element])
            func list(_ part: Pattern) -> Pattern {
                .optional(.sequence([part, .repeated(.sequence([separator, part]))]))
            }
            rules[name] = .choice([
                .sequence([.text("{"), list(member), .text("}")]),
                .sequence([.text("["), list(element), .text("]")]),
                JSONPatterns.text(),
                (try? JSONNumbers.number(JSONSchema.NumberBounds())) ?? .text("0"),
                .text("true"), .text("false"), .text("null"),
            ])
        }
        return .rule(name)
    }
}

extension Constraint {
    /// The answer is JSON of a schema.
    ///
    /// An answer that ends by itself is valid and decodes. There is no white space around it, and within it only what the
    /// layout says. Values may be nested 60 deep. Alternatives need not exclude each other: of a `oneOf` more than
    /// one may hold.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for a schema that contradicts itself, and
    /// ``CollabError/Code/unsupported`` for one that is too large or has an unknown format.
    public static func json(
        _ schema: JSONSchema = .anything,
        layout: JSONLayout = .free
    ) throws(CollabError) -> Constraint {
        var builder = JSONGrammarBuilder(layout)
        return try Constraint("JSON of a schema", builder.build(schema), schema: schema, source: .schema)
    }
}
