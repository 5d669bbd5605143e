public import Collab

/// What models cost, as data.
///
/// ```json
/// {
///   "schema": "collab.prices/1",
///   "currency": "USD",
///   "updated": "2026-11-01",
///   "models": {
///     "large-2": {"input": 2.5, "cached_input": 0.25, "output": 10},
///     "small-*": {"input": 0.1, "output": 0.4, "reasoning": 0.4}
///   }
/// }
/// ```
///
/// Rates are whole units of the currency a million tokens: `input` and `output` are required, `cached_input`,
/// `cache_write` and `reasoning` default to them. A name that ends with `*` stands for all that begin with what is
/// before it; the whole name comes first, then the longest beginning. Prices change and differ by contract, so the
/// project holds none: keep a table of your own, with its date.
public struct PriceTable: Sendable, Hashable {
    /// The schema that a file names.
    public static let schema = "collab.prices/1"

    /// The unit of the prices.
    public var currency: String
    /// When the prices were looked up, as the table says; `nil` if it does not.
    public var updated: String?
    private var names: [String: Price]
    private var beginnings: [(text: String, price: Price)]

    /// Makes a table of prices by name; a name that ends with `*` stands for all that begin so.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for a rate that is negative or no number.
    public init(
        _ prices: [String: Price],
        currency: String = "USD",
        updated: String? = nil
    ) throws(CollabError) {
        self.currency = currency
        self.updated = updated
        names = [:]
        beginnings = []
        for (name, price) in prices {
            do throws(CollabError) { try price.validate() } catch {
                throw error.within("the price of \(name)")
            }
            set(price, for: name)
        }
    }

    /// Reads a file.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` or `inputOutput` for the file, and `malformedFile` naming the
    /// entry for a table that is not as described above; an unknown field is an error too, since a misspelt rate would
    /// be a wrong bill.
    public init(contentsOf path: String) throws(CollabError) {
        let file = try MappedFile(path: path)
        try self.init(try JSONValue(parsing: file), source: path)
    }

    /// Reads a text in the form of a file.
    ///
    /// - Parameter source: what to call it in errors.
    public init(parsing text: String, source: String = "the price table") throws(CollabError) {
        try self.init(try JSONValue(parsing: text), source: source)
    }

    private init(_ json: JSONValue, source: String) throws(CollabError) {
        func malformed(_ what: String) -> CollabError {
            CollabError(.malformedFile, "\(source): \(escapingControls(what))")
        }
        guard json["schema"]?.stringValue == Self.schema else {
            throw malformed("the schema is not “\(Self.schema)”.")
        }
        for field in json.objectValue ?? JSONObject()
        where !["schema", "currency", "updated", "models"].contains(field.key) {
            throw malformed("there is no field “\(field.key)”.")
        }
        guard let models = json["models"]?.objectValue else { throw malformed("“models” is missing.") }
        var prices: [String: Price] = [:]
        for (name, entry) in models.map({ ($0.key, $0.value) }) {
            do throws(CollabError) { prices[name] = try Self.price(entry) } catch {
                throw malformed("the price of “\(name)”: \(error.message)")
            }
        }
        try self.init(
            prices,
            currency: json["currency"]?.stringValue ?? "USD",
            updated: json["updated"]?.stringValue
        )
    }

    private static func price(_ entry: JSONValue) throws(CollabError) -> Price {
        let known = ["input", "cached_input", "cache_write", "output", "reasoning"]
        for field in entry.objectValue ?? JSONObject() where !known.contains(field.key) {
            throw CollabError(
                .malformedFile,
                "there is no rate “\(field.key)”; known are \(known.joined(separator: ", "))."
            )
        }
        func rate(_ name: String) throws(CollabError) -> Double? {
            guard let value = entry[name] else { return nil }
            guard let rate = value.doubleValue else {
                throw CollabError(.malformedFile, "“\(name)” is \(value.kind) instead of a number.")
            }
            return rate
        }
        guard let input = try rate("input"), let output = try rate("output") else {
            throw CollabError(.malformedFile, "“input” and “output” are needed.")
        }
        let price = Price(
            promptPerMillion: input,
            cachedPerMillion: try rate("cached_input"),
            cacheWritePerMillion: try rate("cache_write"),
            completionPerMillion: output,
            reasoningPerMillion: try rate("reasoning")
        )
        try price.validate()
        return price
    }

    /// What a model costs; `nil` if the table does not say.
    public func price(of model: String) -> Price? {
        names[model] ?? beginnings.first { model.hasPrefix($0.text) }?.price
    }

    /// The table with the prices of another in force where both have one for the same name.
    public func overridden(by other: PriceTable) -> PriceTable {
        var table = self
        for (name, price) in other.names { table.set(price, for: name) }
        for (beginning, price) in other.beginnings { table.set(price, for: beginning + "*") }
        (table.currency, table.updated) = (other.currency, other.updated)
        return table
    }

    private mutating func set(_ price: Price, for name: String) {
        guard name.hasSuffix("*") else {
            names[name] = price
            return
        }
        let beginning = String(name.dropLast())
        beginnings.removeAll { $0.text == beginning }
        beginnings.append((beginning, price))
        beginnings.sort { ($0.text.utf8.count, $1.text) > ($1.text.utf8.count, $0.text) }
    }

    /// Whether two tables say the same.
    public static func == (left: PriceTable, right: PriceTable) -> Bool {
        left.currency == right.currency && left.updated == right.updated && left.names == right.names
            && left.beginnings.elementsEqual(right.beginnings) { $0.text == $1.text && $0.price == $1.price }
    }

    /// Hashes what tables are compared by.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(currency)
        hasher.combine(names)
    }
}
