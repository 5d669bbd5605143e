import Collab

/// Python's `format(value, specification)`.
extension TemplateEvaluator {
    /// A value as a format specification asks for it; only texts and numbers take one.
    func formatted(_ value: TemplateValue, as specification: String) throws(CollabError) -> String {
        guard !specification.isEmpty else { return try text(value) }
        switch value {
        case .string(let text):
            let format = try TemplateFormatSpecification(parsing: specification, isNumber: false, self)
            return try format.formatted(text, self)
        case .bool, .integer:
            let format = try TemplateFormatSpecification(parsing: specification, isNumber: true, self)
            return try formatted(value.integer!, format)
        case .double(let number):
            let format = try TemplateFormatSpecification(parsing: specification, isNumber: true, self)
            return try formatted(number, format)
        default:
            throw failure("a \(value.typeName) takes no format specification")
        }
    }

    private func formatted(_ number: Int, _ format: TemplateFormatSpecification) throws(CollabError) -> String
    {
        let type = format.type ?? "d"
        if "eEfFgG%".unicodeScalars.contains(type) { return try formatted(Double(number), format) }
        guard format.precision == nil, !format.dropsSignOfZero else {
            throw failure("a whole number is formatted with a specification that is for others")
        }
        let radix: Int
        switch type {
        case "d", "n": radix = 10
        case "b": radix = 2
        case "o": radix = 8
        case "x", "X": radix = 16
        case "c":
            guard format.sign == nil, !format.isAlternate,
                let scalar = Unicode.Scalar(UInt32(clamping: number)),
                number >= 0
            else { throw failure("“c” needs the number of a character, without a sign") }
            return try format.layOut(
                isNegative: false,
                digits: "",
                remainder: String(Character(scalar)),
                self
            )
        default:
            throw failure("there is no format “\(type)” for a whole number")
        }
        return try format.layOut(
            isNegative: number < 0,
            prefix: format.isAlternate && radix != 10 ? "0\(type)" : "",
            digits: String(number.magnitude, radix: radix, uppercase: type == "X"),
            remainder: "",
            self
        )
    }

    private func formatted(_ number: Double, _ format: TemplateFormatSpecification) throws(CollabError)
        -> String
    {
        let type = format.type
        guard type.map({ "eEfFgGn%".unicodeScalars.contains($0) }) ?? true else {
            throw failure("there is no format “\(type!)” for a number")
        }
        let precision = format.precision ?? 6
        guard precision <= Int(Int32.max) else { throw failure("a format's precision is too big") }
        // Digits before the point are 309 at most.
        try reserve(text: precision + 400)
        try step(precision / 16)
        let magnitude = type == "%" ? number.magnitude * 100 : number.magnitude
        var text: String
        switch type {
        case _ where !number.isFinite: text = number.isNaN ? "nan" : "inf"
        case "e", "E":
            text = TemplateNumber.scientific(magnitude, digits: precision, keepsPoint: format.isAlternate)
        case "f", "F", "%":
            text = TemplateNumber.fixed(magnitude, digits: precision, keepsPoint: format.isAlternate)
        case nil where format.precision == nil:
            text = TemplateNumber.text(magnitude)
            if format.isAlternate, !text.utf8.contains(UInt8(ascii: ".")) {
                let exponent = text.firstIndex(of: "e") ?? text.endIndex
                text.insert(".", at: exponent)
            }
        default:
            text = TemplateNumber.general(
                magnitude,
                digits: precision,
                keepsZeros: format.isAlternate,
                staysFraction: type == nil
            )
        }
        if type == "E" || type == "F" || type == "G" { text = text.uppercased() }
        let mantissa = text.utf8.prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
        let isZero = number.isFinite && !mantissa.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")) ~= $0 }
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        return try format.layOut(
            isNegative: number.sign == .minus && !number.isNaN && !(isZero && format.dropsSignOfZero),
            digits: String(Substring(digits)),
            remainder: String(Substring(text.utf8.dropFirst(digits.count))) + (type == "%" ? "%" : ""),
            self
        )
    }
}
