extension String {
    /// The text with all differences of case taken away, as Python's `str.casefold`.
    ///
    /// The full case folding of Unicode (status C and F of its `CaseFolding.txt`), which the standard library does not
    /// have: of all characters but those below it is the small letters of the large letters of the small letters, each
    /// character by itself.
    var templateCaseFolded: String {
        unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar.value {
            // The dotless i is a letter of its own.
            case 0x131: result.unicodeScalars.append(scalar)
            // Cherokee's large letters came before the small ones, so all become large.
            case 0x13A0...0x13FD, 0xAB70...0xABBF: result += scalar.properties.uppercaseMapping
            case ..<0x80: result += scalar.properties.lowercaseMapping
            default:
                for small in scalar.properties.lowercaseMapping.unicodeScalars {
                    for large in small.properties.uppercaseMapping.unicodeScalars {
                        result += large.properties.lowercaseMapping
                    }
                }
            }
        }
    }
}
