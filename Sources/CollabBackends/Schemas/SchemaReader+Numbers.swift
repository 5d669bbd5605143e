internal import Collab

extension SchemaReader {
    /// A number's bounds; the exclusive ones are numbers themselves or, as in draft 4, say how the others are meant.
    func bounds(_ object: JSONObject) -> JSONSchema.NumberBounds {
        var bounds = JSONSchema.NumberBounds(
            least: object["minimum"]?.doubleValue,
            most: object["maximum"]?.doubleValue,
            excludesLeast: object["exclusiveMinimum"]?.boolValue ?? false,
            excludesMost: object["exclusiveMaximum"]?.boolValue ?? false
        )
        if let least = object["exclusiveMinimum"]?.doubleValue, least >= bounds.least ?? least {
            (bounds.least, bounds.excludesLeast) = (least, true)
        }
        if let most = object["exclusiveMaximum"]?.doubleValue, most <= bounds.most ?? most {
            (bounds.most, bounds.excludesMost) = (most, true)
        }
        return bounds
    }

    /// A whole number within bounds, which are kept exactly.
    func integerForm(_ object: JSONObject, at place: String) throws(CollabError) -> JSONSchema.Form {
        var (least, most): (Int64?, Int64?)
        for key in ["minimum", "exclusiveMinimum"] {
            let excludes = key != "minimum" || object["exclusiveMinimum"]?.boolValue == true
            guard let bound = try whole(object[key], isExcluded: excludes, isLower: true, at: place) else {
                continue
            }
            least = max(least ?? bound, bound)
        }
        for key in ["maximum", "exclusiveMaximum"] {
            let excludes = key != "maximum" || object["exclusiveMaximum"]?.boolValue == true
            guard let bound = try whole(object[key], isExcluded: excludes, isLower: false, at: place) else {
                continue
            }
            most = min(most ?? bound, bound)
        }
        return .integer(least: least, most: most)
    }

    /// The whole number next to a bound that it allows; `nil` where there is no bound.
    private func whole(
        _ value: JSONValue?,
        isExcluded: Bool,
        isLower: Bool,
        at place: String
    ) throws(CollabError) -> Int64? {
        let bound: Int64
        switch value {
        case .integer(let value)?: bound = value
        case .double(let value)?:
            guard value.magnitude < 9e15 else { throw tooLarge(place) }
            bound = Int64(value.rounded(isLower ? .up : .down))
            // Between whole numbers nothing is left out.
            if Double(bound) != value { return bound }
        case .unsigned?: if isLower { throw tooLarge(place) } else { return .max }
        default: return nil
        }
        guard isExcluded else { return bound }
        let (next, isOutside) = bound.addingReportingOverflow(isLower ? 1 : -1)
        if isOutside { throw tooLarge(place) }
        return next
    }

    private func tooLarge(_ place: String) -> CollabError {
        unsupported("a bound of a whole number that is too large", place)
    }
}
