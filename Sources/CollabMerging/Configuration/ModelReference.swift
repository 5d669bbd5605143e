/// A model as a configuration names it: `PATH`, `PATH@REVISION`, or either with `+ADAPTER`.
public struct ModelReference: Hashable, Sendable, CustomStringConvertible {
    /// The folder or file of the weights.
    public var path: String
    /// A revision, as hubs have them.
    public var revision: String?
    /// The folder of an adapter that is merged into the weights first.
    public var adapter: String?

    /// Makes a reference.
    public init(path: String, revision: String? = nil, adapter: String? = nil) {
        self.path = path
        self.revision = revision
        self.adapter = adapter
    }

    /// Takes a text apart at its last `+` and the `@` before that.
    ///
    /// Returns `nil` for a text without a path.
    public init?(_ text: String) {
        var rest = text[...]
        var adapter: String?
        if let plus = rest.lastIndex(of: "+") {
            adapter = String(rest[rest.index(after: plus)...])
            rest = rest[..<plus]
        }
        var revision: String?
        if let at = rest.lastIndex(of: "@") {
            revision = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        guard !rest.isEmpty, adapter != "", revision != "" else { return nil }
        self.init(path: String(rest), revision: revision, adapter: adapter)
    }

    /// As a configuration would write it.
    public var description: String {
        path + (revision.map { "@" + $0 } ?? "") + (adapter.map { "+" + $0 } ?? "")
    }
}
