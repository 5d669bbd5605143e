/// The members of a JSON object, in the order in which they were written.
///
/// Lookup is linear for a handful of members and hashed for more. Keys are compared by their UTF-8, so `é` as one
/// scalar and as two are different keys, as every other JSON reader has it.
public struct JSONObject: Sendable {
    /// A key with its value.
    public struct Member: Sendable {
        /// The key.
        public var key: String
        /// The value.
        public var value: JSONValue

        /// Makes a member.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members in order.
    public private(set) var members: [Member]
    /// Where each key is; `nil` as long as there are so few that looking through them is faster.
    private var index: [UTF8Key: Int]?

    private static let linearLimit = 12

    /// An object without members.
    public init() {
        members = []
        index = nil
    }

    /// How many members there are.
    public var count: Int { members.count }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }

    /// The keys in order.
    public var keys: [String] { members.map(\.key) }

    /// The value of a key; setting it to `nil` removes the member, a new key is added at the end.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                rebuildIndex()
            case (nil, let value?):
                appendNew(key, value)
            case (nil, nil):
                break
            }
        }
    }

    /// Adds a member at the end and tells whether the key was new; if it was not, the value is replaced.
    mutating func append(_ key: String, _ value: JSONValue) -> Bool {
        // Hashing is what reading a vocabulary spends its time on: once for each key.
        if let position = index?.updateValue(members.count, forKey: UTF8Key(key)) {
            index?[UTF8Key(key)] = position
            members[position].value = value
            return false
        }
        if index != nil {
            members.append(Member(key: key, value: value))
            return true
        }
        if let position = position(of: key) {
            members[position].value = value
            return false
        }
        appendNew(key, value)
        return true
    }

    func position(of key: String) -> Int? {
        if let index { return index[UTF8Key(key)] }
        return members.firstIndex { hasSameUTF8($0.key, key) }
    }

    private mutating func appendNew(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if index != nil {
            index![UTF8Key(key)] = members.count - 1
        } else if members.count > Self.linearLimit {
            rebuildIndex()
        }
    }

    private mutating func rebuildIndex() {
        guard members.count > Self.linearLimit else { return index = nil }
        var table = [UTF8Key: Int](minimumCapacity: members.count)
        for (position, member) in members.enumerated() { table[UTF8Key(member.key)] = position }
        index = table
    }
}

extension JSONObject: Hashable {
    /// Objects are equal if they have the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes the members regardless of their order.
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var inner = Hasher()
            inner.combine(UTF8Key(member.key))
            inner.combine(member.value)
            sum &+= inner.finalize()
        }
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The members in the order of the literal; of equal keys the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }
}

extension JSONObject: RandomAccessCollection {
    /// The position of the first member.
    public var startIndex: Int { 0 }
    /// The position after the last member.
    public var endIndex: Int { members.count }
    /// The member at a position.
    public subscript(position: Int) -> Member { members[position] }
}
