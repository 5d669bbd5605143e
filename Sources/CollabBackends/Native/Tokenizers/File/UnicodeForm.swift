/// A normalisation form of Unicode.
///
/// Source: Unicode Standard Annex 15.
enum UnicodeForm: String, Sendable, CaseIterable {
    /// Decomposed, and composed again.
    case nfc = "NFC"
    /// Decomposed.
    case nfd = "NFD"
    /// As ``nfc``, with compatibility characters taken apart.
    case nfkc = "NFKC"
    /// As ``nfd``, with compatibility characters taken apart.
    case nfkd = "NFKD"

    private var isCompatible: Bool { self == .nfkc || self == .nfkd }
    private var isComposed: Bool { self == .nfc || self == .nfkc }

    /// Normalises a text.
    func apply(to text: inout [UInt8]) {
        // Nothing below these lead bytes changes: U+0300 is 0xCC 0x80, U+00C0 is 0xC3 0x80, U+00A0 is 0xC2 0xA0.
        let firstLead: UInt8 = self == .nfc ? 0xCC : self == .nfd ? 0xC3 : 0xC2
        guard let start = text.firstIndex(where: { $0 >= firstLead }) else { return }
        let table = Decompositions.shared
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 8)
        // The character before the first that changes may combine with it.
        var first = max(0, start - 1)
        while first > 0, text[first] & 0xC0 == 0x80 { first -= 1 }
        output.append(contentsOf: text[..<first])
        var run = Run(form: self)
        text.withUnsafeBufferPointer { text in
            ScalarClass.ascii.withUnsafeBufferPointer { ascii in
                let reader = ScalarReader(text: text, end: text.count, ascii: ascii)
                var index = output.count
                while index < text.count {
                    let byte = text[index]
                    if byte < 0x80 {
                        run.addStarter(UInt32(byte), to: &output)
                        index += 1
                        continue
                    }
                    let scalar = reader.scalar(at: index)
                    index += UTF8.width(scalar)
                    table.decompose(scalar.value, isCompatible: isCompatible) { run.add($0, to: &output) }
                }
            }
        }
        run.flush(to: &output)
        text = output
    }

    /// Scalars from a starter on that marks may still be put in order behind, or composed with.
    private struct Run {
        let form: UnicodeForm
        private var scalars: [(value: UInt32, combining: UInt8)] = []

        init(form: UnicodeForm) { self.form = form }

        @inline(__always)
        mutating func addStarter(_ value: UInt32, to output: inout [UInt8]) {
            if !scalars.isEmpty { flush(to: &output) }
            scalars.append((value, 0))
        }

        mutating func add(_ value: UInt32, to output: inout [UInt8]) {
            let combining = Decompositions.combiningClass(value)
            if combining == 0 {
                // A starter may compose with the starter right before it: Hangul and some Indic vowels.
                if form.isComposed, let last = scalars.last, last.combining == 0, scalars.count == 1,
                    let composed = Decompositions.shared.compose(last.value, value)
                {
                    scalars[0].value = composed
                    return
                }
                if form.isComposed, scalars.count > 1 {
                    compose()
                    if scalars.count == 1,
                        let composed = Decompositions.shared.compose(scalars[0].value, value)
                    {
                        scalars[0].value = composed
                        return
                    }
                }
                flush(to: &output)
            }
            scalars.append((value, combining))
        }

        /// Puts marks in order, and joins the starter with those that are not blocked from it.
        private mutating func compose() {
            // Insertion sort: stable, and runs are short. Longer ones than real text has are sorted by the library.
            if scalars.count > 32 {
                let marks = scalars.enumerated().sorted {
                    ($0.element.combining, $0.offset) < ($1.element.combining, $1.offset)
                }
                scalars = marks.map(\.element)
            } else if scalars.count > 2 || (scalars.count == 2 && scalars[0].combining != 0) {
                for index in 1..<scalars.count {
                    var place = index
                    while place > 0, scalars[place - 1].combining > scalars[place].combining,
                        scalars[place].combining != 0
                    {
                        scalars.swapAt(place - 1, place)
                        place -= 1
                    }
                }
            }
            guard form.isComposed, scalars.count > 1, scalars[0].combining == 0 else { return }
            var kept = 1
            var lastCombining: UInt8 = 0
            for index in 1..<scalars.count {
                let mark = scalars[index]
                if kept == 1 || lastCombining < mark.combining,
                    let composed = Decompositions.shared.compose(scalars[0].value, mark.value)
                {
                    scalars[0].value = composed
                    continue
                }
                lastCombining = mark.combining
                scalars[kept] = mark
                kept += 1
            }
            scalars.removeLast(scalars.count - kept)
        }

        mutating func flush(to output: inout [UInt8]) {
            if scalars.count > 1 { compose() }
            for (value, _) in scalars {
                if value < 0x80 {
                    output.append(UInt8(value))
                } else if let scalar = Unicode.Scalar(value) {
                    output.append(contentsOf: UTF8.encode(scalar)!)
                }
            }
            scalars.removeAll(keepingCapacity: true)
        }
    }
}
