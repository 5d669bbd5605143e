import Collab

extension GGUFMetadata {
    /// The longest key in bytes.
    private static let longestKey = 65_535

    /// Reads as many keys with their values.
    init(_ cursor: inout GGUFCursor, count: Int) throws(CollabError) {
        var entries: [Entry] = []
        var index = [UTF8Key: Int](minimumCapacity: count)
        entries.reserveCapacity(count)
        for number in 0..<count {
            let offset = cursor.position
            let key = try cursor.readName(limit: Self.longestKey, "key \(number)")
            guard index.updateValue(number, forKey: UTF8Key(key)) == nil else {
                throw cursor.error("the key “\(key.abbreviated)” is there twice", at: offset)
            }
            let typeID = try cursor.read(UInt32.self, "the type of “\(key.abbreviated)”")
            guard let type = GGUFValueType(rawValue: typeID) else {
                throw cursor.error(
                    "the value of “\(key.abbreviated)” is of the unknown type \(typeID)",
                    at: cursor.position - 4
                )
            }
            let value = try GGUFValue(&cursor, type: type, depth: 0, of: "the value of “\(key.abbreviated)”")
            let extent = offset..<cursor.position
            entries.append(Entry(key: key, type: type, value: value, extent: extent))
        }
        self.init(entries: entries, index: index, path: cursor.file.path)
    }

    /// What tensors are aligned to: 32 bytes unless the file says otherwise.
    func alignment(_ cursor: GGUFCursor) throws(CollabError) -> Int {
        let key = "general.alignment"
        guard let value = self[key] else { return 32 }
        guard type(of: key) == .uint32, case .integer(let alignment) = value,
            alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20
        else {
            throw CollabError(
                .malformedFile,
                "\(cursor.file.path): the key “\(key)” must be a power of two up to 2^20 of type uint32."
            )
        }
        return Int(alignment)
    }
}
