import Bridge
import HTTPCore
import HTTPTypes
import Testing

@Suite struct ConditionTests {
    private static func condition(_ fields: [String]) -> EntityTagCondition? {
        var all = HTTPFields()
        for field in fields { all.append(HTTPField(name: .ifMatch, value: field)) }
        return EntityTagCondition(all)
    }

    @Test(
        arguments: [
            ([], .absent), (["*"], .any), ([" * "], .any), ([#""a""#], .oneOf([EntityTag("a")])),
            ([#""a", W/"b" ,"c""#], .oneOf([EntityTag("a"), EntityTag("c")])), ([#"W/"a""#], .oneOf([])),
            ([#""a""#, #""b""#], .oneOf([EntityTag("a"), EntityTag("b")])), ([#""a,b""#], .oneOf([EntityTag("a,b")])),
            ([#""""#], .oneOf([EntityTag("")])), ([#", "a",, "#], .oneOf([EntityTag("a")])),
        ] as [([String], EntityTagCondition)]) func conditionsAreRead(_ fields: [String], _ condition: EntityTagCondition)
    {
        #expect(Self.condition(fields) == condition)
    }

    @Test(arguments: ["", "a", #""a"#, #"a""#, #""a" "b""#, #"w/"a""#, "W/", "W/a", #""a b""#, #"*, "a""#, "**", ","])
    func otherConditionsAreRefused(_ field: String) {
        #expect(Self.condition([field]) == nil)
    }

    @Test func tagsAreQuoted() { #expect(EntityTag("a-0").field == "\"a-0\"") }
}

@Suite struct MediaTypeTests {
    @Test(
        arguments: [
            ("application/sdp", "application/sdp"), (" Application/SDP ; a=b", "application/sdp"), (nil, nil), ("", nil), ("sdp", nil),
            ("application/", nil), ("/sdp", nil), ("a/b/c", nil), ("application/sdp, text/plain", nil), ("appli cation/sdp", nil),
        ] as [(String?, String?)]) func typesAreRead(_ field: String?, _ name: String?)
    {
        #expect(MediaType(field: field)?.name == name)
    }
}
