import Collab
internal import Yams

/// A node of a configuration, with its place for errors.
struct YAMLNode {
    /// A key and what is said under it.
    struct Member {
        var key: String
        var value: YAMLNode
    }

    enum Content {
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Member])
    }

    var content: Content
    /// Where it stands, such as `config.yml:12:5`.
    var place: String

    /// The most nodes that a configuration may have, its aliases written out.
    static let mostNodes = 200_000

    /// Reads the documents of a text.
    static func documents(_ text: String, source: String) throws(CollabError) -> [YAMLNode] {
        var nodes: [YAMLNode] = []
        var count = 0
        do {
            // Editors of some systems put a byte-order mark in front.
            let hasMark = text.unicodeScalars.first == "\u{FEFF}"
            let text = hasMark ? String(text.unicodeScalars.dropFirst()) : text
            var sequence = try Yams.compose_all(yaml: text)
            while let node = sequence.next() { nodes.append(try YAMLNode(node, source, &count)) }
            // The sequence ends at an error as it ends at the end.
            if let error = sequence.error { throw error }
        } catch let error as CollabError {
            throw error
        } catch {
            throw CollabError(.malformedFile, "\(source) is no YAML: \(error).")
        }
        return nodes
    }

    private init(_ node: Node, _ source: String, _ count: inout Int) throws(CollabError) {
        count += 1
        let place = "\(source):\(node.mark?.line ?? 0):\(node.mark?.column ?? 0)"
        self.place = place
        guard count <= Self.mostNodes else {
            throw CollabError(.malformedFile, "\(source) has more than \(Self.mostNodes) nodes.")
        }
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence { items.append(try YAMLNode(item, source, &count)) }
            content = .sequence(items)
        case .mapping(let mapping):
            var members: [Member] = []
            var inherited: [Member] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw CollabError(.malformedFile, "\(place): a key is no text.")
                }
                if scalar.string == "<<", scalar.style == .plain {
                    inherited += try YAMLNode(value, source, &count).mergedMembers()
                    continue
                }
                guard !members.contains(where: { $0.key == scalar.string }) else {
                    throw CollabError(.malformedFile, "\(place): “\(scalar.string)” is there twice.")
                }
                members.append(Member(key: scalar.string, value: try YAMLNode(value, source, &count)))
            }
            // What a mapping says itself counts before what it takes over, and of that what comes first.
            for member in inherited where !members.contains(where: { $0.key == member.key }) {
                members.append(member)
            }
            content = .mapping(members)
        case .alias:
            throw CollabError(.malformedFile, "\(place): an alias leads nowhere.")
        }
    }

    /// What a mapping takes over from this node, which stands under its merge key `<<`: a mapping or a list of some.
    private func mergedMembers() throws(CollabError) -> [Member] {
        switch content {
        case .mapping(let members): return members
        case .sequence(let items):
            var found: [Member] = []
            for item in items {
                guard case .mapping(let members) = item.content else {
                    throw item.error("“<<” takes over mappings.")
                }
                found += members
            }
            return found
        case .scalar: throw error("“<<” takes over mappings.")
        }
    }

    /// An error about this node.
    func error(_ complaint: String) -> CollabError { CollabError(.malformedFile, "\(place): \(complaint)") }

    /// Whether it is `null` or left empty.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The text of a scalar.
    func text(_ what: String) throws(CollabError) -> String {
        guard case .scalar(let text, _) = content, !isNull else { throw error("\(what) should be a text.") }
        return text
    }

    /// The items of a sequence.
    func items(_ what: String) throws(CollabError) -> [YAMLNode] {
        guard case .sequence(let items) = content else { throw error("\(what) should be a list.") }
        return items
    }

    /// A whole number.
    func integer(_ what: String) throws(CollabError) -> Int {
        guard case .scalar(let text, _) = content, let value = Int(text) else {
            throw error("\(what) should be a whole number.")
        }
        return value
    }

    /// A truth value, as YAML 1.1 spells them, or 1 or 0 as numbers.
    func flag(_ what: String) throws(CollabError) -> Bool {
        if case .scalar(let text, let isPlain) = content {
            if let value = Self.flag(text) { return value }
            if isPlain, let number = Double(text), number == 0 || number == 1 { return number == 1 }
        }
        throw error("\(what) should be true or false.")
    }

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }

    /// The members of a mapping whose keys are all known; others are errors that suggest the nearest.
    func members(_ what: String, known: [String]) throws(CollabError) -> [String: YAMLNode] {
        guard case .mapping(let members) = content else {
            throw error("\(what) should be a mapping with the keys \(known.joined(separator: ", ")).")
        }
        var found: [String: YAMLNode] = [:]
        for member in members {
            let (key, value) = (member.key, member.value)
            guard known.contains(key) else {
                throw value.error(unknownKey(key, of: what, known: known))
            }
            if !value.isNull { found[key] = value }
        }
        return found
    }
}

/// Says that a key is unknown, and which one may be meant.
func unknownKey(_ key: String, of what: String, known: [String]) -> String {
    let nearest = known.map { ($0, editDistance(key, $0)) }.min { $0.1 < $1.1 }
    if let (suggestion, distance) = nearest, distance <= max(2, key.count / 3) {
        return "\(what) has no key “\(key)”; “\(suggestion)” may be meant."
    }
    return "\(what) has no key “\(key)”; it may have \(known.sorted().joined(separator: ", "))."
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one text to another.
func editDistance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.lowercased()), Array(second.lowercased()))
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var table = [[Int]](repeating: Array(0...b.count), count: a.count + 1)
    for i in 1...a.count {
        table[i][0] = i
        for j in 1...b.count {
            let cost = a[i - 1] == b[j - 1] ? 0 : 1
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + cost)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
            }
        }
    }
    return table[a.count][b.count]
}
