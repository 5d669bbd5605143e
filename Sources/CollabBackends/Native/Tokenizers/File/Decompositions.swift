/// Which characters others are made of.
///
/// Source: the Unicode Character Database, by ``DecompositionTable``; Hangul by the arithmetic of the standard's §3.12.
struct Decompositions: Sendable {
    static let shared = Decompositions()

    /// For each block of 256 characters where its entries begin in ``entries``, or −1.
    private var blocks: [Int32]
    /// Index into ``canonical`` and ``compatible`` by character, or −1.
    private var entries: [Int32]
    private var canonical: [[UInt32]]
    private var compatible: [[UInt32]]
    private var pairs: [UInt64: UInt32]

    private init() {
        blocks = Array(repeating: -1, count: 0x1100)
        entries = []
        canonical = []
        compatible = []
        pairs = [:]
        var single: [UInt32: (parts: [UInt32], isCanonical: Bool)] = [:]
        var order: [UInt32] = []
        var last: UInt32 = 0
        for entry in DecompositionTable.text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let mark = entry.firstIndex(where: { "=-~".contains($0) }),
                let step = UInt32(entry[..<mark], radix: 16)
            else { continue }
            last += step
            let parts = entry[entry.index(after: mark)...].split(separator: ".").compactMap {
                UInt32($0, radix: 16)
            }
            single[last] = (parts, entry[mark] != "~")
            order.append(last)
            if entry[mark] == "=", parts.count == 2 {
                pairs[UInt64(parts[0]) << 32 | UInt64(parts[1])] = last
            }
        }
        func expand(_ value: UInt32, compatible: Bool) -> [UInt32] {
            guard let entry = single[value], compatible || entry.isCanonical else { return [value] }
            return entry.parts.flatMap { expand($0, compatible: compatible) }
        }
        for value in order {
            let block = Int(value >> 8)
            if blocks[block] < 0 {
                blocks[block] = Int32(entries.count)
                entries.append(contentsOf: repeatElement(-1, count: 256))
            }
            entries[Int(blocks[block]) + Int(value & 0xFF)] = Int32(canonical.count)
            canonical.append(expand(value, compatible: false))
            compatible.append(expand(value, compatible: true))
        }
    }

    /// Lends the characters that one is made of, to the end; itself if it is of nothing else.
    @inline(__always)
    func decompose(_ value: UInt32, isCompatible: Bool, _ body: (UInt32) -> Void) {
        if (0xAC00..<0xD7A4).contains(value) {
            let index = value - 0xAC00
            body(0x1100 + index / 588)
            body(0x1161 + index % 588 / 28)
            if index % 28 != 0 { body(0x11A7 + index % 28) }
            return
        }
        let block = blocks[Int(value >> 8)]
        let entry = block < 0 ? -1 : entries[Int(block) + Int(value & 0xFF)]
        if entry < 0 { return body(value) }
        for part in isCompatible ? compatible[Int(entry)] : canonical[Int(entry)] { body(part) }
    }

    /// The character that two make, if there is one.
    @inline(__always)
    func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if second < 0x300 || first < 0x3C { return nil }
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if (0xAC00..<0xD7A4).contains(first), (0x11A8..<0x11C3).contains(second), (first - 0xAC00) % 28 == 0 {
            return first + second - 0x11A7
        }
        return pairs[UInt64(first) << 32 | UInt64(second)]
    }

    /// The canonical combining class.
    @inline(__always)
    static func combiningClass(_ value: UInt32) -> UInt8 {
        // Ideographs and syllables have none, and are most of what comes here.
        if value < 0x300 || (0x3100..<0xA66F).contains(value) || (0xAC00..<0xD7A4).contains(value) {
            return 0
        }
        return Unicode.Scalar(value)?.properties.canonicalCombiningClass.rawValue ?? 0
    }
}
