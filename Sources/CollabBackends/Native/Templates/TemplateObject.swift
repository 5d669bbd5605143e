import Collab

/// A value that templates only meet by reference: functions, macros, namespaces, the `loop` variable.
class TemplateObject {
    var typeName: String { "object" }

    /// An attribute, or nil where there is none.
    func attribute(_ name: String) -> TemplateValue? { nil }
}

/// Something a template may call.
final class TemplateFunction: TemplateObject {
    typealias Body = (TemplateEvaluator, TemplateCall) throws(CollabError) -> TemplateValue

    let name: String
    let body: Body

    init(_ name: String, _ body: @escaping Body) {
        self.name = name
        self.body = body
    }

    override var typeName: String { "function" }
}

/// What `namespace(…)` makes: the only thing whose attributes a template may set, from inside loops as well.
final class TemplateNamespace: TemplateObject {
    var attributes: [String: TemplateValue] = [:]

    override var typeName: String { "namespace" }

    override func attribute(_ name: String) -> TemplateValue? { attributes[name] }
}

/// A macro together with the place where it was defined.
final class TemplateMacroValue: TemplateObject {
    let macro: TemplateMacro
    let scope: TemplateScope

    init(_ macro: TemplateMacro, scope: TemplateScope) {
        self.macro = macro
        self.scope = scope
    }

    override var typeName: String { "macro" }

    override func attribute(_ name: String) -> TemplateValue? {
        switch name {
        case "name": .string(macro.name)
        case "arguments": .list(TemplateList(macro.parameters.map { .string($0.name) }, kind: .tuple))
        default: nil
        }
    }
}

/// The `loop` variable.
final class TemplateLoopState: TemplateObject {
    let elements: [TemplateValue]
    let loop: TemplateLoop
    let scope: TemplateScope
    /// How many recursive loops this one is in.
    let depth: Int
    var index = 0
    /// What `loop.changed` was called with last.
    var lastChanged: [TemplateValue]?

    init(_ loop: TemplateLoop, elements: [TemplateValue], scope: TemplateScope, depth: Int) {
        self.loop = loop
        self.elements = elements
        self.scope = scope
        self.depth = depth
    }

    override var typeName: String { "loop" }

    override func attribute(_ name: String) -> TemplateValue? {
        switch name {
        case "index": .integer(index + 1)
        case "index0": .integer(index)
        case "revindex": .integer(elements.count - index)
        case "revindex0": .integer(elements.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == elements.count - 1)
        case "length": .integer(elements.count)
        case "depth": .integer(depth + 1)
        case "depth0": .integer(depth)
        case "previtem": index > 0 ? elements[index - 1] : .undefined(name: "loop.previtem")
        case "nextitem":
            index + 1 < elements.count ? elements[index + 1] : .undefined(name: "loop.nextitem")
        case "cycle":
            .object(
                TemplateFunction("loop.cycle") { [self] evaluator, call throws(CollabError) in
                    guard !call.positional.isEmpty else { throw evaluator.failure("loop.cycle needs values") }
                    return call.positional[index % call.positional.count]
                }
            )
        case "changed":
            .object(
                TemplateFunction("loop.changed") { [self] evaluator, call throws(CollabError) in
                    let same = try lastChanged.map { (last) throws(CollabError) in
                        try evaluator.areEqual(
                            .list(TemplateList(last)),
                            .list(TemplateList(call.positional))
                        )
                    }
                    lastChanged = call.positional
                    return .bool(!(same ?? false))
                }
            )
        default: nil
        }
    }
}

/// The variables of a block, a loop's round or a macro's call.
final class TemplateScope {
    var variables: [String: TemplateValue]
    let parent: TemplateScope?

    init(parent: TemplateScope? = nil, variables: [String: TemplateValue] = [:]) {
        self.parent = parent
        self.variables = variables
    }

    /// The variable of this name in the nearest scope that has it.
    func find(_ name: String) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let current = scope {
            if let value = current.variables[name] { return value }
            scope = current.parent
        }
        return nil
    }
}
