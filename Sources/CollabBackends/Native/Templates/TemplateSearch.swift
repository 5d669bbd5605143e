/// Where one text begins in another, in time that grows with their lengths and not with the product of these.
///
/// D. Knuth, J. Morris and V. Pratt, *Fast Pattern Matching in Strings*, 1977.
struct TemplateSearch {
    private let wanted: [UInt8]
    /// For each beginning of what is wanted, by its last byte: the length of the longest shorter beginning that it ends with.
    private let borders: [Int]

    init(_ bytes: some Sequence<UInt8>) {
        let wanted = Array(bytes)
        var borders = [Int](repeating: 0, count: wanted.count)
        var length = 0
        for index in wanted.indices.dropFirst() {
            while length > 0, wanted[index] != wanted[length] { length = borders[length - 1] }
            if wanted[index] == wanted[length] { length += 1 }
            borders[index] = length
        }
        self.wanted = wanted
        self.borders = borders
    }

    /// How many bytes lie before the end of the first occurrence.
    func end(in bytes: some Sequence<UInt8>) -> Int? {
        if wanted.isEmpty { return 0 }
        var (matched, count) = (0, 0)
        for byte in bytes {
            count += 1
            while matched > 0, wanted[matched] != byte { matched = borders[matched - 1] }
            if wanted[matched] == byte { matched += 1 }
            if matched == wanted.count { return count }
        }
        return nil
    }
}
